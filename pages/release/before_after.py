"""Before and after: what a trial's model does better and what it broke, on samples neither version has seen."""

import streamlit as st

from core.locale.mark import N_
from core.release import plans, sign_offs
from core.release.proofs import Report
from pages._ui import parts, session
from pages._ui.session import _
from pages.release import _decision, _flips, _numbers, _pick, _propose, _terms, _verdict

NEXT = {
    "better": N_(
        "Next: read the newly broken samples below. If nobody objects, this model can be put up for sign-off."
    ),
    "broke": N_(
        "Next: read what broke on the retain samples below, mix in more general samples, and start another trial."
    ),
    "unproven": N_("Next: add retain samples, so that a loss would be seen, and start another trial."),
    "no_gain": N_(
        "Next: do not release it. Read what still fails: the samples may need other corrections, or the task another "
        "way than training."
    ),
    "worse": N_("Next: do not release it. Check the approved samples for mistakes before anything else."),
    "not_enough": N_("Next: import more gate samples, or approve more samples to learn from, and start another trial."),
}

task = session.task()
st.title(_("Before and after"))
st.caption(_("Old and new answered the same questions, which neither has seen. What is better, and what broke?"))
_propose.show(task)
chosen = _pick.trial(task.task_id, "before_after.trial")
if chosen is None:
    st.stop()


def show_hidden(trial_id: str) -> None:
    """All answers are in, and nobody has agreed yet on what they have to show."""
    st.info(_("All answers are in. Before anybody sees the result, agree on what it has to show."))
    parts.link("release/sign_off.py", _("Agree on a plan and sign it"), "draw")
    st.caption(
        _("You may also look right away. Then nothing can be signed off on this trial, since a plan made afterwards "
          "proves nothing.")
    )  # fmt: skip
    if st.button(_("Look without a plan"), key="before_after.open"):
        plans.open_without(session.conn(), trial_id, by=session.person())
        st.rerun()


def show_report(report: Report) -> None:
    _pick.stop_while_judging(report)
    conn, trial_id = session.conn(), str(report.trial["trial_id"])
    if any(sign_offs.state(conn, case) == "overridden" for case in sign_offs.of_trial(conn, trial_id)):
        st.error(_(_decision.OVERRIDDEN), icon=":material/gavel:")
    _terms.amendments(plans.versions(conn, trial_id))
    _verdict.show(report.proof, big=True)
    st.markdown(_(NEXT[report.proof.verdict]))
    if report.failures:
        st.warning(_("%(count)s calls failed. They are counted apart and not as wrong answers.", count=report.failures))
    _numbers.show(report, task.plan.metric)
    _flips.show(report)


report = plans.report(session.conn(), chosen)
if report is not None:
    show_report(report)
elif plans.complete(session.conn(), chosen):
    show_hidden(chosen)
else:
    _pick.progress(chosen)
