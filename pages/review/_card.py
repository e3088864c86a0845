"""One answer at a time, large and calm: nothing here tells which prompt or model wrote it."""

import time

import streamlit as st

from core.errors import Refusal
from core.evaluation import tasks
from core.review import queues, ratings
from core.review.ratings import Item, Rating, Verdict
from pages._ui import parts, session
from pages._ui.session import _
from pages.review import _fields, _remarks

TOO_SOON_S = 0.3
"""Nobody reads an answer faster: what comes sooner is a key held down or a second click."""


@st.fragment
def show(queue_id: str) -> None:
    """The next waiting answer of the queue with all that is needed to judge it."""
    person, task = session.person(), session.task()
    known = queues.of_task(session.conn(), task.task_id, person.person_id)
    queue = next(one for one in known if one["queue_id"] == queue_id)
    rubric = tasks.rubric(session.conn(), task.task_id)
    question, progress = st.columns([3, 2], gap="medium", vertical_alignment="center")
    question.subheader(session.escape(session.either(rubric["question"])))
    progress.progress(queue["done"] / queue["total"], text=_how_far(queue))
    waiting = ratings.waiting(session.conn(), queue_id, person.person_id)
    if not waiting:
        st.success(_("All %(total)s answers are rated. Thank you.", total=queue["total"]))
        parts.link("review/approvals.py", _("Go on to Approvals"), "fact_check")
        with st.bottom:
            _undo_button(queue_id, "end", disabled=False)
        return
    item = waiting[0]
    _texts(item, session.either(rubric["guidelines"]))
    _remarks.show(item, task.error_types)
    with st.bottom.container():
        if (refused := st.session_state.pop("rate.refused", None)) is not None:
            st.error(_(refused.message, **refused.values))
        with st.container(horizontal=True, gap="xsmall"):
            _verdicts(queue_id, item, first=not queue["done"])


def _how_far(queue: dict[str, int]) -> str:
    left = queue["total"] - queue["done"]
    pace = ratings.pace(session.conn(), str(queue["queue_id"]), session.person().person_id)
    if not left or pace is None:
        return _("%(done)s of %(total)s rated", **queue)
    if left * pace < 60:
        return _("%(done)s of %(total)s rated · less than a minute left at your pace", **queue)
    minutes = round(left * pace / 60)
    return _("%(done)s of %(total)s rated · about %(minutes)s min left at your pace", minutes=minutes, **queue)


def _texts(item: Item, guidelines: str) -> None:
    asked, answered = st.columns(2, gap="medium")
    with asked:
        st.markdown(_("**What was asked**"))
        parts.text(item.input)
        if item.context:
            st.markdown(_("**What was known**"))
            parts.text(item.context)
        if guidelines:
            with st.expander(_("Guidelines")):
                st.markdown("\n".join(f"- {session.escape(line)}" for line in guidelines.splitlines() if line.strip()))
    with answered:
        st.markdown(_("**The answer**"))
        parts.text(item.text)
        shown = _reference_is_shown(item)
        in_fields = _fields.show(item, with_reference=shown)
        if shown and not in_fields:
            st.markdown(_("**Reference**"))
            parts.text(item.reference)


def _reference_is_shown(item: Item) -> bool:
    return bool(item.reference) and bool(st.session_state.get("rate.reference", False))


def _turn_over() -> None:
    st.session_state["rate.reference"] = not st.session_state.get("rate.reference", False)


def _verdicts(queue_id: str, item: Item, *, first: bool) -> None:
    def button(verdict: Verdict, label: str, key: str, icon: str) -> None:
        st.button(
            label,
            key=f"rate.{verdict}.{item.answer_id}",
            shortcut=key,
            icon=f":material/{icon}:",
            on_click=_judge,
            args=(queue_id, item, verdict),
        )

    button("pass", _("Pass"), "P", "check")
    button("fail", _("Fail"), "F", "close")
    button("skip", _("Skip"), "S", "skip_next")
    _undo_button(queue_id, item.answer_id, disabled=first)
    if item.reference:
        st.button(
            _("Reference"),
            key=f"rate.reference.{item.answer_id}",
            shortcut="V",
            type="tertiary",
            icon=":material/visibility_off:" if _reference_is_shown(item) else ":material/visibility:",
            on_click=_turn_over,
        )
    if _reference_is_shown(item):  # nobody declares right what they have not read
        st.button(
            _("Take the reference"),
            key=f"rate.take.{item.answer_id}",
            shortcut="T",
            icon=":material/file_copy:",
            on_click=_judge,
            args=(queue_id, item, "fail", True),
        )


def _undo_button(queue_id: str, answer_id: str, *, disabled: bool) -> None:
    st.button(
        _("Undo"),
        key=f"rate.undo.{answer_id}",
        shortcut="U",
        icon=":material/undo:",
        type="tertiary",
        disabled=disabled,
        on_click=_undo,
        args=(queue_id, answer_id),
    )


def _judge(queue_id: str, item: Item, verdict: Verdict, take_reference: bool = False) -> None:
    """Keep the verdict, if it is about the answer that waits: a repeated key or click may still name the last one."""
    person = session.person()
    waiting = ratings.waiting(session.conn(), queue_id, person.person_id)
    if _too_soon() or not waiting or waiting[0].answer_id != item.answer_id:
        return
    if take_reference:
        correction, origin = item.reference, "reference"
    else:
        correction = None if verdict == "skip" else _remarks.correction(item)
        origin = "none" if correction is None else "typed"
    try:
        rating = Rating(
            queue_id=queue_id,
            answer_id=item.answer_id,
            verdict=verdict,
            error_types=() if verdict == "pass" else _remarks.error_types(item),
            note=_remarks.note(item),
            correction=correction,
            origin=origin,
        )
        ratings.record(session.conn(), rating, by=person)
    except Refusal as refusal:
        st.session_state["rate.refused"] = refusal  # a callback cannot write at the right place
    else:
        _remarks.forget(item.answer_id)


def _undo(queue_id: str, answer_id: str) -> None:
    """Bring the last judged answer back with empty remarks; once only for a key held down."""
    waiting = ratings.waiting(session.conn(), queue_id, session.person().person_id)
    if not _too_soon() and answer_id == (waiting[0].answer_id if waiting else "end"):
        back = ratings.undo(session.conn(), queue_id, by=session.person())
        _remarks.forget(back or "")


def _too_soon() -> bool:
    """Whether this press follows the one before too closely; each press counts, so a held key stays too soon."""
    now = time.monotonic()
    before, st.session_state["rate.pressed"] = st.session_state.get("rate.pressed", -TOO_SOON_S), now
    return now - float(before) < TOO_SOON_S
