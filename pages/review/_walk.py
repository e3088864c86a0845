"""The plain form's way through a queue: which answer stands in it, back and forth without a verdict, and the pause."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.review import ratings
from core.review.ratings import Item
from pages._ui import session
from pages._ui.session import _
from pages.review import _remarks

AHEAD = 5
"""Answers that "next" reaches, and that the rater holds meanwhile."""
BEHIND = 8
"""Judged answers that "previous" reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The answer in front of the rater, None at the end; `judged` is what the rater has said of it, if they have.

    `before` and `after` are the ids that "previous" and "next" lead to, where there is such an answer, `onwards` the
    one that comes after a verdict where it is not the first that waits.
    """

    item: Item | None
    judged: Mapping[str, Any] | None
    before: str | None
    after: str | None
    onwards: str | None


def place(queue_id: str) -> Place:
    """Where the rater stands: at the first answer that waits, unless they went elsewhere."""
    conn, rater = session.conn(), session.person().person_id
    behind = ratings.recent(conn, queue_id, rater, BEHIND)[::-1]
    ahead = ratings.waiting(conn, queue_id, rater, AHEAD)
    line = [*(Item(**{name: row[name] for name in Item.__slots__}) for row in behind), *ahead]
    ids = [item.answer_id for item in line]
    wanted = st.session_state.get(f"rate.place.{queue_id}")
    at = ids.index(wanted) if wanted in ids else len(behind)
    after = ids[at + 1] if at + 1 < len(ids) else None
    return Place(
        item=line[at] if at < len(line) else None,
        judged=behind[at] if at < len(behind) else None,
        before=ids[at - 1] if at else None,
        after=after,
        onwards=after if at > len(behind) else None,
    )


def go(queue_id: str, answer_id: str | None) -> None:
    """Stand at that answer from now on, or at the first that waits."""
    st.session_state[f"rate.place.{queue_id}"] = answer_id


def buttons(queue_id: str, now: Place) -> None:
    """Previous, next and pause."""
    about = now.item.answer_id if now.item else "end"
    for what, label, key, icon, to in (
        ("previous", _("Previous"), "Left", "arrow_back", now.before),
        ("next", _("Next"), "Right", "arrow_forward", now.after),
    ):
        st.button(
            label,
            key=f"rate.{what}.{about}",
            shortcut=key,
            icon=f":material/{icon}:",
            type="tertiary",
            disabled=to is None,
            on_click=_move,
            args=(queue_id, now, to),
        )
    if now.item is not None:
        st.button(
            _("Pause"),
            key=f"rate.pause.{about}",
            shortcut="B",
            icon=":material/pause:",
            type="tertiary",
            on_click=_pause,
            args=(queue_id, now.item),
        )


def _move(queue_id: str, now: Place, to: str | None) -> None:
    if now.item is not None:
        _remarks.keep(now.item.answer_id)
    go(queue_id, to)


def _pause(queue_id: str, item: Item) -> None:
    _remarks.keep(item.answer_id)
    go(queue_id, item.answer_id)
    st.session_state[f"rate.paused.{queue_id}"] = True


def is_paused(queue_id: str) -> bool:
    return bool(st.session_state.get(f"rate.paused.{queue_id}"))


def show_pause(queue_id: str) -> None:
    """No answer in sight, and the way back to the one that was begun."""
    st.info(_("A pause. Everything is saved, and what you have begun on this answer stays here."))
    st.button(
        _("Go on"),
        key=f"rate.resume.{queue_id}",
        shortcut="B",
        icon=":material/play_arrow:",
        type="primary",
        on_click=st.session_state.pop,
        args=(f"rate.paused.{queue_id}", None),
    )
