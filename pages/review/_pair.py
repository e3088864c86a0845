"""One pair at a time, by keyboard: A, B, T for a tie, N when neither will do, U to take the last choice back."""

from functools import partial

import streamlit as st

from core.errors import Refusal
from core.review import comparisons
from core.review.comparisons import Choice
from pages._ui import parts, session
from pages._ui.session import _
from pages.review import _fields, _presses

TOO_SOON_S = 0.3
"""Nobody reads two answers faster: what comes sooner is a key held down or a second click."""


@st.fragment
def show(round_id: str) -> None:
    """The rater's next pair of the round, and what to say of it."""
    person, task = session.person(), session.task()
    known = next(
        one
        for one in comparisons.of_task(session.conn(), task.task_id, person.person_id)
        if one["round_id"] == round_id
    )
    question, progress = st.columns([3, 2], gap="medium", vertical_alignment="center")
    question.subheader(_("Which answer is better?"))
    done, asked = known["done"], known["asked"]
    progress.progress(done / max(1, asked), text=_("%(done)s of %(total)s compared", done=done, total=asked))
    waiting = comparisons.waiting(session.conn(), round_id, person.person_id)
    if not waiting:
        st.success(_("You have compared everything. Thank you."))
        _presses.undo("compare", "end", partial(_undo, round_id))
        return
    pair = waiting[0]
    parts.text(pair.input)
    if pair.context:
        with st.expander(_("What was known")):
            parts.text(pair.context)
    left, right = st.columns(2, gap="medium")
    for column, letter, text in ((left, "A", pair.left), (right, "B", pair.right)):
        with column:
            st.markdown(f"**{letter}**")
            parts.text(text)
    _fields.beside(pair.left, pair.right)
    st.text_input(
        _("Reason"),
        key=f"compare.reason.{pair.pair_id}",
        on_change="ignore",
        placeholder=_("Why, in a few words (may stay empty)"),
        label_visibility="collapsed",
    )
    _presses.show_refused("compare")
    with st.container(horizontal=True, gap="xsmall"):
        _button(round_id, pair.pair_id, "left", _("A is better"), "A", "arrow_back")
        _button(round_id, pair.pair_id, "right", _("B is better"), "B", "arrow_forward")
        _button(round_id, pair.pair_id, "tie", _("Tie"), "T", "equal")
        _button(round_id, pair.pair_id, "both_bad", _("Both bad"), "N", "thumb_down")
        _presses.undo("compare", pair.pair_id, partial(_undo, round_id), disabled=not done)


def _button(round_id: str, pair_id: str, choice: Choice, label: str, key: str, icon: str) -> None:
    _presses.button("compare", choice, pair_id, label, key, icon, partial(_choose, round_id, pair_id, choice))


def _choose(round_id: str, pair_id: str, choice: Choice) -> None:
    """Keep the choice, if it is about the pair that waits: a repeated key may still name the last one."""
    person = session.person()
    waiting = comparisons.waiting(session.conn(), round_id, person.person_id)
    if _presses.too_soon("compare", TOO_SOON_S) or (waiting and waiting[0].pair_id != pair_id):
        return
    reason = str(st.session_state.get(f"compare.reason.{pair_id}") or "")
    try:
        comparisons.choose(session.conn(), round_id, pair_id, choice, by=person, reason=reason)
    except Refusal as refusal:
        _presses.refuse("compare", refusal)


def _undo(round_id: str) -> None:
    if not _presses.too_soon("compare", TOO_SOON_S):
        comparisons.undo(session.conn(), round_id, by=session.person())
