"""What the card sends: judgements that the browser repeats until each is confirmed. None of it is believed unseen."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import Refusal
from core.locale.mark import N_
from core.review import ratings
from core.review.ratings import Rating
from pages._ui import session
from pages._ui.session import plain

MOST_AT_ONCE = 200


def take(queue_id: str, said: Any) -> None:
    """Keep each judgement once, in the order in which they were made; what cannot be kept is answered with why."""
    events = said.get("events") if isinstance(said, Mapping) else None
    confirmed: list[str] = []
    refused: list[dict[str, Any]] = []
    for event in (events if isinstance(events, list) else [])[:MOST_AT_ONCE]:
        if not isinstance(event, Mapping) or not isinstance(event.get("receipt"), str):
            continue
        try:
            _keep(queue_id, event)
        except Refusal as refusal:
            message = plain(refusal.message, **refusal.values)
            refused.append({"answer": str(event.get("answer")), "message": message})
        confirmed.append(event["receipt"])
    st.session_state[f"rate.replies.{queue_id}"] = {"confirmed": confirmed, "refused": refused, "answering": True}


def replies(queue_id: str) -> dict[str, Any]:
    """What to tell the card about what it sent last; `answering` is false when the card has just been opened."""
    nothing = {"confirmed": [], "refused": [], "answering": False}
    return dict(st.session_state.pop(f"rate.replies.{queue_id}", nothing))


def _keep(queue_id: str, event: Mapping[str, Any]) -> None:
    conn, person = session.conn(), session.person()
    answer, receipt = str(event.get("answer")), str(event["receipt"])[:64]
    if event.get("kind") == "undo":
        ratings.undo(conn, queue_id, by=person, answer_id=answer, receipt=receipt)
        return
    try:
        rating = _rating(queue_id, answer, event)
    except (TypeError, ValueError) as error:
        raise Refusal(
            N_("The browser sent something unreadable. Reload the page and judge the answer again.")
        ) from error
    ratings.record(conn, rating, by=person, receipt=receipt, again=event.get("again") is True)


def _rating(queue_id: str, answer: str, event: Mapping[str, Any]) -> Rating:
    def text(name: str) -> str | None:
        value = event.get(name)
        if value is not None and not isinstance(value, str):
            raise TypeError(name)
        return value

    types, points = event.get("types"), event.get("points")
    if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        raise TypeError("types")
    if points is not None and type(points) is not int:
        raise TypeError("points")
    return Rating(
        queue_id=queue_id,
        answer_id=answer,
        verdict=text("verdict") or "",  # type: ignore[arg-type]  # the Rating refuses what is none
        points=points,
        error_types=tuple(types),
        note=(text("note") or "").strip(),
        correction=text("correction"),
        origin=text("origin") or "none",  # type: ignore[arg-type]  # the Rating refuses what is none
        rewrite_id=text("rewrite"),
        flagged=event.get("flagged") is True,
    )
