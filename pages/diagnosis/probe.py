"""Knowledge probe: does the model know the rule, and can it apply it?"""

import streamlit as st

from core.evaluation import pairs
from core.locale.mark import N_
from pages._ui import parts, remembered, session
from pages._ui.session import _, plain
from pages.diagnosis import _pairs, _samples

NEXT = {
    "knowledge_missing": N_("Next: give it the rules to look up (retrieval), with the passage in the prompt."),
    "cannot_apply": N_(
        "Next: take the task apart and prescribe the steps in the prompt; if that gains too little, train."
    ),
    "leak_suspected": N_("Next: write new practice questions and ask again before anything else."),
    "knows_and_applies": N_("Next: nothing to do here. If the task still fails, look at its other questions."),
    "not_enough": N_("Next: write more pairs, or ask another model."),
}

conn, task = session.conn(), session.task()
st.title(_("Knowledge probe"))
st.caption(
    _(
        "Pairs of questions: one asks for the rule (concept), the other for a case of it (practice). Wrong on both "
        "means that the model lacks the knowledge; wrong only in practice means that it cannot apply what it knows."
    )
)
known = {run["run_id"]: run for run in remembered.call(pairs.of_task, task.task_id)}
if not known:
    st.info(_("No set with concept and practice pairs has been answered yet. Run one under Evaluation, Runs."))
    parts.link("evaluation/runs.py", _("Go to Runs"), "stairs")
    st.stop()


def name(run_id: str) -> str:
    run = known[run_id]
    return f"{plain(run['set_name'])} · {run['rung']} · {run['model_name']} · {parts.moment(run['created_at'])}"


chosen = parts.select(_("Which answers"), list(known), format_func=name, key="probe.run")
if _samples.hidden([chosen]):
    st.stop()
judged = remembered.call(pairs.judge, task, chosen)
sentence = _(judged.sentence.message, **judged.sentence.values)
if judged.verdict == "knows_and_applies":
    st.success(f"### {sentence}", icon=":material/check_circle:")
else:
    st.info(f"### {sentence}", icon=":material/psychology:")
st.markdown(_(NEXT[judged.verdict]))
if judged.concept.n:
    _pairs.show(chosen, judged)
