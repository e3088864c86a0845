"""The gate with each condition, and the two things people do for it: judge both versions, answer what broke."""

import streamlit as st

from core.access import roles
from core.evaluation.flips import Flip
from core.locale.mark import N_
from core.release import breakages, gates, labels
from core.release.gates import Gate
from pages._ui import parts, persons, session
from pages._ui.session import _

COLOURS = {"passed": "green", "failed": "red", "waiting": "orange"}
ICONS = {"passed": ":material/check_circle:", "failed": ":material/cancel:", "waiting": ":material/pending:"}
WORDS = {"passed": N_("holds"), "failed": N_("does not hold"), "waiting": N_("is waited for")}
A_PAGE = 5


def show(gate: Gate) -> None:
    """Passed or not, then every condition with its numbers."""
    if gate.passed:
        st.success(_("The gate is passed: every condition holds."), icon=ICONS["passed"])
    else:
        st.warning(
            _("The gate is not passed yet, or not at all. Each condition below says why."), icon=":material/info:"
        )
    for check in gate.checks:
        words = _(check.words.message, **check.words.values)
        icon = f":{COLOURS[check.state]}[{ICONS[check.state]}]"
        st.markdown(f"{icon} **{_(gates.NAMES[check.name])}** · {_(WORDS[check.state])}  \n{words}")


def ask_for_labels(trial_id: str, gate: Gate) -> None:
    """One button: both versions' answers to samples drawn by lot, in a queue that does not tell which is which."""
    if gate.labels.enough or not roles.may(session.person(), "run.start"):
        return
    values = {"count": gate.labels.wanted}
    if st.button(_("Put %(count)s samples of both versions up for blind rating", **values), key="sign_off.labels.ask"):
        with session.refusing():
            labels.ask(session.conn(), trial_id, by=session.person())
            session.keep_message(N_("Experts find them under Review, Rate."))
            st.rerun()


def show_broken(trial_id: str, gate: Gate) -> None:
    """Every newly broken sample with its two answers, and what an expert says of it."""
    found = breakages.broken(gate.report)
    st.subheader(_("Newly broken samples: %(count)s", count=len(found)))
    if not found:
        st.caption(_("None."))
        return
    said = breakages.answered(session.conn(), trial_id)
    may = roles.may(session.person(), "breakage.answer") and not breakages.settled(session.conn(), trial_id)
    found.sort(key=lambda flip: flip.sample_id in said)
    for flip in parts.paged(found, "sign_off.broken", A_PAGE):
        with st.container(border=True):
            _one(flip, said.get(flip.sample_id))
            if may:
                _answer(trial_id, flip)


def _one(flip: Flip, said: dict[str, str] | None) -> None:
    if flip.critical:
        st.badge(_("critical"), icon=":material/priority_high:", color="orange")
    cells = (
        (_("What was asked"), flip.input), (_("Reference"), flip.reference), (_("Before"), flip.before),
        (_("After"), flip.after),
    )  # fmt: skip
    for column, (label, text) in zip([*st.columns(2), *st.columns(2)], cells, strict=True):
        with column:
            st.caption(label)
            parts.text(text)
    if said:
        words = N_("**Accepted** by %(name)s:") if said["answer"] == "accepted" else N_("**Blocker**, says %(name)s:")
        st.markdown(_(words, name=persons.name(said["answered_by"])))
        parts.text(said["reason"])


def _answer(trial_id: str, flip: Flip) -> None:
    with st.form(f"sign_off.broken.{flip.sample_id}", border=False):
        reason = st.text_input(_("Why?"), key=f"sign_off.why.{flip.sample_id}")
        with st.container(horizontal=True):
            accepted = st.form_submit_button(_("Accept, because …"), key=f"sign_off.accept.{flip.sample_id}")
            blocked = st.form_submit_button(_("This is a blocker"), key=f"sign_off.block.{flip.sample_id}")
    if accepted or blocked:
        with session.refusing():
            answer: breakages.Answer = "accepted" if accepted else "blocker"
            breakages.answer(session.conn(), trial_id, flip.sample_id, answer, reason, by=session.person())
            session.keep_message(N_("Your answer is kept."))
            st.rerun()
