"""The plain form: the card's work in Streamlit's own widgets, for screen readers and wherever the card does not run.

Nothing here tells which prompt or model wrote an answer.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from core.errors import Refusal
from core.evaluation import retrieving
from core.review import progress, ratings, rubrics
from core.review.progress import Progress
from core.review.ratings import Item, Rating, Verdict
from core.review.rubrics import Rubric
from pages._ui import parts, passages, session
from pages._ui.session import _, plain
from pages.review import _card_words, _fields, _presses, _remarks, _repair, _walk, _words
from pages.review._walk import Place

TOO_SOON_S = 1.1
"""Keyboards wait up to a second before they repeat a held key; what comes sooner was not meant for this answer."""


@st.fragment
def show(queue_id: str) -> None:
    """The next waiting answer of the queue, or where the rater went, with all that is needed to judge it."""
    conn, person, task = session.conn(), session.person(), session.task()
    if _walk.is_paused(queue_id):
        _walk.show_pause(queue_id)
        return
    rubric = rubrics.of_queue(conn, queue_id)
    now = progress.of_rater(conn, queue_id, person.person_id)
    question, far = st.columns([3, 2], gap="medium", vertical_alignment="center")
    question.subheader(session.escape(session.either(rubric.question)))
    far.progress(now.mine / max(1, now.mine + now.left), text=_how_far(now))
    place = _walk.place(queue_id)
    item = place.item
    if item is None:
        st.success(_("All %(total)s answers are rated. Thank you.", total=now.mine))
        parts.link("review/approvals.py", _("Go on to Approvals"), "fact_check")
        with st.bottom, st.container(horizontal=True, gap="xsmall"):
            _presses.undo("rate", "end", partial(_undo, queue_id, "end"))
            _walk.buttons(queue_id, place)
        return
    _texts(item, rubric)
    _remarks.fill(item, place.judged)
    _repair.bring(queue_id, item)
    _repair.show(queue_id, item, _remarks.show(item, task.error_types))
    with st.bottom.container():
        _presses.show_refused("rate")
        if place.judged:
            st.caption(_("You said: %(verdict)s", verdict=_said(place.judged)))
        with st.container(horizontal=True, gap="xsmall"):
            _verdicts(queue_id, item, rubric, place, first=not now.mine)
            _walk.buttons(queue_id, place)


def _said(judged: Mapping[str, Any]) -> str:
    words = {"pass": plain("Pass"), "fail": plain("Fail"), "skip": plain("Skip")}
    points = judged["points"]
    return f"{points} · {_card_words.points()[points - 1]}" if points else words[judged["verdict"]]


def _how_far(now: Progress) -> str:
    counts, left = {"done": now.mine, "total": now.mine + now.left}, now.left
    if not left or now.pace_s is None:
        return _("%(done)s of %(total)s rated", **counts)
    if left * now.pace_s < 60:
        return _("%(done)s of %(total)s rated · less than a minute left at your pace", **counts)
    minutes = round(left * now.pace_s / 60)
    return _("%(done)s of %(total)s rated · about %(minutes)s min left at your pace", minutes=minutes, **counts)


def _texts(item: Item, rubric: Rubric) -> None:
    asked, answered = st.columns(2, gap="medium")
    with asked:
        st.markdown(_("**What was asked**"))
        parts.text(item.input)
        if item.context:
            st.markdown(_("**What was known**"))
            parts.text(item.context)
        found = retrieving.of_answers(session.conn(), [item.answer_id]).get(item.answer_id, ())
        passages.show(found, item.input, key=f"rate.passages.{item.answer_id}")
        _words.guidelines(rubric)
    with answered:
        st.markdown(_("**The answer**"))
        parts.text(item.text)
        if item.cut:
            st.caption(_("The answer ends here because it was not allowed to become longer."))
        shown = _reference_is_shown(item, rubric)
        in_fields = _fields.show(item, with_reference=shown)
        if shown and not in_fields:
            st.markdown(_("**Reference**"))
            parts.text(item.reference)


def _reference_is_shown(item: Item, rubric: Rubric) -> bool:
    if not item.reference or rubric.reference == "hidden":
        return False
    return rubric.reference == "shown" or bool(st.session_state.get("rate.reference", False))


def _turn_over() -> None:
    st.session_state["rate.reference"] = not st.session_state.get("rate.reference", False)


def _verdicts(queue_id: str, item: Item, rubric: Rubric, place: Place, *, first: bool) -> None:
    def button(what: str, label: str, key: str, icon: str | None, verdict: Verdict, **said: Any) -> None:
        act = partial(_judge, queue_id, item, verdict, again=place.judged is not None, **said)
        _presses.button("rate", what, item.answer_id, label, key, icon, act)

    if rubric.scale == "five":
        for number, words in enumerate(_card_words.points(), 1):
            verdict: Verdict = "pass" if number >= rubrics.PASSES_FROM else "fail"
            button(str(number), f"{number} · {words}", str(number), None, verdict, points=number)
    else:
        button("pass", _("Pass"), "P", "check", "pass")
        button("fail", _("Fail"), "F", "close", "fail")
    button("skip", _("Skip"), "S", "skip_next", "skip")
    _presses.undo("rate", item.answer_id, partial(_undo, queue_id, item.answer_id), disabled=first)
    shown = _reference_is_shown(item, rubric)
    if item.reference and rubric.reference == "on_demand":
        st.button(
            _("Reference"),
            key=f"rate.reference.{item.answer_id}",
            shortcut="V",
            type="tertiary",
            icon=":material/visibility_off:" if shown else ":material/visibility:",
            on_click=_turn_over,
        )
    if shown:  # nobody declares right what they have not read
        points = 1 if rubric.scale == "five" else None
        button("take", _("Take the reference"), "T", "file_copy", "fail", points=points, take_reference=True)


def _judge(
    queue_id: str,
    item: Item,
    verdict: Verdict,
    *,
    again: bool,
    points: int | None = None,
    take_reference: bool = False,
) -> None:
    """Keep the verdict, if it is about the answer in front: a repeated key or click may still name the last one."""
    place = _walk.place(queue_id)
    if _presses.too_soon("rate", TOO_SOON_S) or place.item is None or place.item.answer_id != item.answer_id:
        return
    correction = item.reference if take_reference else None if verdict == "skip" else _remarks.correction(item)
    try:
        rating = Rating(
            queue_id=queue_id,
            answer_id=item.answer_id,
            verdict=verdict,
            points=points,
            error_types=() if verdict == "pass" else _remarks.error_types(item),
            note=_remarks.note(item),
            correction=correction,
            flagged=_remarks.flagged(item),
        )
        ratings.record(session.conn(), rating, by=session.person(), again=again)
    except Refusal as refusal:
        _presses.refuse("rate", refusal)
    else:
        _remarks.forget(item.answer_id)
        _walk.go(queue_id, place.onwards)


def _undo(queue_id: str, answer_id: str) -> None:
    """Bring the last judged answer back with empty remarks; once only for a key held down."""
    item = _walk.place(queue_id).item
    if not _presses.too_soon("rate", TOO_SOON_S) and answer_id == (item.answer_id if item else "end"):
        back = ratings.undo(session.conn(), queue_id, by=session.person())
        _remarks.forget(back or "")
        _walk.go(queue_id, back)
