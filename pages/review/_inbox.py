"""What the card sends: judgements that the browser repeats until each is confirmed. None of it is believed unseen."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.errors import Refusal
from core.locale.mark import N_
from core.review import ratings, repair
from core.review.ratings import Rating
from pages._ui import session
from pages._ui.session import plain

MOST_AT_ONCE = 200
FRESH_S = 60
"""After this long the line is filled even if enough waits there: claims are renewed, and others have judged, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to tell the card. `opened`: it has just been opened. `fill`: its line needs looking after, and it has the
    answers in `have`. `asked` are the receipts of the rewrites that it waits for, `answered` the number of its message.
    """

    opened: bool = True
    fill: bool = True
    have: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    answered: Any = None
    confirmed: Sequence[str] = ()
    refused: Sequence[Mapping[str, str]] = ()


def take(queue_id: str, said: Any) -> None:
    """Keep each judgement once, in the order in which they were made; what cannot be kept is answered with why."""
    said = said if isinstance(said, Mapping) else {}
    events = said.get("events")
    confirmed: list[str] = []
    refused: list[dict[str, str]] = []
    stale = time.monotonic() - st.session_state.get(f"rate.filled.{queue_id}", -FRESH_S) >= FRESH_S
    for event in (events if isinstance(events, list) else [])[:MOST_AT_ONCE]:
        if not isinstance(event, Mapping) or not isinstance(event.get("receipt"), str):
            continue
        try:
            kept = _keep(queue_id, event)
            stale = stale or not kept  # judged elsewhere: what else waits there?
        except Refusal as refusal:
            stale = True
            message = plain(refusal.message, **refusal.values)
            told = {name: str(event.get(name)) for name in ("answer", "kind", "receipt")}
            refused.append({**told, "message": message})
        confirmed.append(event["receipt"])
    st.session_state[f"rate.reply.{queue_id}"] = Reply(
        opened=False,
        fill=stale or said.get("fill") is True,
        have=_names(said.get("have")),
        asked=_names(said.get("asked")),
        answered=said.get("number"),
        confirmed=confirmed,
        refused=refused,
    )


def _names(value: Any) -> frozenset[str]:
    return frozenset(one for one in (value if isinstance(value, list) else []) if isinstance(one, str))


def reply(queue_id: str) -> Reply:
    """What to tell the card about what it sent last, or because it was opened."""
    found: Reply = st.session_state.pop(f"rate.reply.{queue_id}", Reply())
    if found.fill:
        st.session_state[f"rate.filled.{queue_id}"] = time.monotonic()
    return found


def _keep(queue_id: str, event: Mapping[str, Any]) -> bool:
    conn, person = session.conn(), session.person()
    answer, receipt = str(event.get("answer")), str(event["receipt"])[:64]
    if event.get("kind") == "undo":
        return ratings.undo(conn, queue_id, by=person, answer_id=answer, receipt=receipt) is not None
    try:
        if event.get("kind") == "repair":
            wrong, before = _text(event, "wrong") or "", _text(event, "before")
            known = {"queue_id": queue_id, "answer_id": answer, "receipt": receipt}
            repair.ask(conn, by=person, wrong=wrong, before=before, **known)
            return True
        rating = _rating(queue_id, answer, event)
    except (TypeError, ValueError) as error:
        raise Refusal(
            N_("The browser sent something unreadable. Reload the page and judge the answer again.")
        ) from error
    return ratings.record(conn, rating, by=person, receipt=receipt, again=event.get("again") is True)


def _rating(queue_id: str, answer: str, event: Mapping[str, Any]) -> Rating:
    types, points = event.get("types"), event.get("points")
    if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        raise TypeError("types")
    if points is not None and type(points) is not int:
        raise TypeError("points")
    return Rating(
        queue_id=queue_id,
        answer_id=answer,
        verdict=_text(event, "verdict") or "",  # type: ignore[arg-type]  # the Rating refuses what is none
        points=points,
        error_types=tuple(types),
        note=(_text(event, "note") or "").strip(),
        correction=_text(event, "correction"),
        flagged=event.get("flagged") is True,
    )


def _text(event: Mapping[str, Any], name: str) -> str | None:
    value = event.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(name)
    return value
