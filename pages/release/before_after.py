"""Before and after: what a trial's model does better and what it broke, on samples neither version has seen."""

import streamlit as st

from core.locale.mark import N_
from core.release import proofs
from core.release.proofs import Report
from core.training import trials
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.release import _flips, _numbers, _verdict

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
known = {trial["trial_id"]: trial for trial in trials.of_task(session.conn(), task.task_id)}
if not known:
    st.info(_("There is no trial yet. Start one under Training, Trial fine-tune."))
    st.stop()


def name(trial_id: str) -> str:
    trial = known[trial_id]
    values = {"rows": trial["row_count"], "when": parts.moment(trial["created_at"])}
    return plain("Trial of %(when)s on %(rows)s samples", **values)


asked = st.query_params.get("trial")
chosen = parts.select(
    _("Trial"),
    list(known),
    index=list(known).index(asked) if asked in known else 0,
    format_func=name,
    key="before_after.trial",
)


def show_progress(trial_id: str) -> None:
    """How far the proof is, without a number from it: nobody peeks at half a result."""
    runs = proofs.runs_of(session.conn(), trial_id)
    if not runs:
        st.info(_("The model is not trained yet. The proof begins by itself as soon as it is."))
        return
    done, planned = sum(run["answered"] for run in runs), sum(run["planned"] for run in runs)
    st.progress(done / planned, text=_("Answers in: %(done)s of %(planned)s", done=done, planned=planned))
    st.caption(_("The result is shown when all answers are in, so that nobody stops at a lucky moment."))


def show_report(report: Report) -> None:
    _verdict.show(report.proof, big=True)
    st.markdown(_(NEXT[report.proof.verdict]))
    if report.failures:
        st.warning(_("%(count)s calls failed. They are counted apart and not as wrong answers.", count=report.failures))
    _numbers.show(report, task.plan.metric)
    _flips.show(report)


report = proofs.report(session.conn(), chosen)
if report is None:
    show_progress(chosen)
else:
    show_report(report)
