"""The card: one answer at a time, drawn by the browser, a few more fetched ahead. Its page code is in _card/.

Nothing here tells which prompt or model wrote an answer; all text goes through `data` and is set as text.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.access import sessions
from core.evaluation import retrieving
from core.knowledge.shown import Shown
from core.review import progress, ratings, repair, rubrics
from core.review.ratings import Item
from pages._ui import passages, session
from pages.review import _card_words, _fields, _inbox, _remarks, _repair

FOLDER = Path(__file__).parent / "_card"
SCRIPTS = ("line.js", "store.js", "texts.js", "keys.js", "drawing.js", "repairing.js", "card.js")

AHEAD = 20
"""Answers fetched ahead; the card asks for more once half are used, so ten are left while the server is at it."""
AHEAD_CHARACTERS = 200_000
"""So much text at once at most, but always three answers: long ones take longer to read than to fetch."""
BEHIND = 8
"""Judged answers that "previous" reaches after a reload."""
SHORTEST_LOOK_MS = 250
"""What comes sooner after an answer appeared was meant for the one before."""

_card = st.components.v2.component(
    "countersign.rating_card",
    html=(FOLDER / "card.html").read_text("utf-8"),
    css=(FOLDER / "card.css").read_text("utf-8"),
    js="\n".join((FOLDER / name).read_text("utf-8") for name in SCRIPTS),
)


@st.fragment
def show(queue_id: str) -> None:
    """The card for the queue; each message from it reruns this fragment only."""
    key = f"rate.card.{queue_id}"
    _card(
        key=key,
        data=_data(queue_id, _inbox.reply(queue_id)),
        on_said_change=lambda: _inbox.take(queue_id, st.session_state[key].said),
    )


def _data(queue_id: str, reply: _inbox.Reply) -> dict[str, Any]:
    conn, person, task = session.conn(), session.person(), session.task()
    rubric = rubrics.of_queue(conn, queue_id)
    now = progress.of_rater(conn, queue_id, person.person_id)
    recent = ratings.recent(conn, queue_id, person.person_id, BEHIND)[::-1] if reply.opened else []
    shown = retrieving.of_answers(conn, [row["answer_id"] for row in recent])
    types = [dict(one) for one in task.error_types]
    keys = _remarks.letters([one["id"] for one in types])
    return {
        "queue": queue_id,
        "owner": sessions.fingerprint(person.person_id)[:16],
        **(_line(queue_id, rubric, reply) if reply.fill else {}),
        "recent": [{**_item(_seen(row), rubric, shown.get(row["answer_id"], ())), **_said(row)} for row in recent],
        "answered": reply.answered,
        "confirmed": reply.confirmed,
        "refused": reply.refused,
        "repair": repair.model_of(conn, task.task_id) is not None,
        "rewrites": _repair.rounds(queue_id, reply.asked),
        "progress": {"total": now.mine + now.left, "mine": now.mine, "ours": now.ours, "pace_s": now.pace_s},
        "question": session.either(rubric.question),
        "guidelines": [line for line in session.either(rubric.guidelines).splitlines() if line.strip()],
        "scale": rubric.scale,
        "reference": rubric.reference,
        "types": [
            {"id": one["id"], "key": key, "label": session.either(one), "help": _remarks.explained(one)}
            for one, key in zip(types, keys, strict=True)
        ],
        "shortest_look_ms": SHORTEST_LOOK_MS,
        "words": _card_words.of_card(rubric.scale),
    }


def _line(queue_id: str, rubric: rubrics.Rubric, reply: _inbox.Reply) -> dict[str, Any]:
    """What waits, by id, with the texts that the card does not have; `more` waits behind these."""
    found = ratings.waiting(session.conn(), queue_id, session.person().person_id, limit=AHEAD)
    shown = retrieving.of_answers(session.conn(), [item.answer_id for item in found])
    kept = _not_too_much(found, shown)
    return {
        "waiting": [item.answer_id for item in kept],
        "items": [
            _item(item, rubric, shown.get(item.answer_id, ())) for item in kept if item.answer_id not in reply.have
        ],
        "more": len(found) == AHEAD or len(kept) < len(found),
    }


def _not_too_much(items: list[Item], shown: Mapping[str, Sequence[Shown]]) -> list[Item]:
    kept, characters = [], 0
    for item in items:
        characters += len(item.text) + len(item.input) + len(item.context) + len(item.reference)
        characters += sum(len(one.text) for one in shown.get(item.answer_id, ()))
        if len(kept) >= 3 and characters > AHEAD_CHARACTERS:
            break
        kept.append(item)
    return kept


def _item(item: Item, rubric: rubrics.Rubric, shown: Sequence[Shown]) -> dict[str, Any]:
    reference = "" if rubric.reference == "hidden" else item.reference
    return {
        "id": item.answer_id,
        "input": item.input,
        "context": item.context,
        "text": item.text,
        "cut": item.cut,
        "reference": reference,
        "fields": _fields.rows(item, with_reference=bool(reference)),
        "passages": passages.marked(shown, item.input),
        "judged": None,
    }


def _seen(row: Mapping[str, Any]) -> Item:
    return Item(**{name: row[name] for name in ("answer_id", "text", "input", "context", "reference", "cut")})


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    draft = {"types": row["error_types"], "note": row["note"], "correction": row["correction"]}
    draft["flagged"] = row["flagged"]
    return {"judged": {"verdict": row["verdict"], "points": row["points"]}, "draft": draft}
