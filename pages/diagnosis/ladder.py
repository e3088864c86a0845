"""Ladder: does a better prompt still help, or is prompting exhausted?"""

import streamlit as st

from core.evaluation import ladders, results
from core.locale.mark import N_
from pages._ui import parts, passages, remembered, session
from pages._ui.session import _
from pages.diagnosis import _curves, _locked, _planning, _steps

NEXT = {
    "on_target": N_("Next: confirm the winner on the locked samples below."),
    "headroom": N_("Next: go on with the prompt. Add a further attempt under Evaluation, Prompts."),
    "plateau_suspected": N_(
        "Next: make one more real attempt under Evaluation, Prompts. If it gains too little again, prompting is "
        "exhausted."
    ),
    "plateau_confirmed": N_("Next: see the recommendation. Another prompt will hardly reach the target."),
    "not_enough": N_("Next: add samples, or have each sample answered several times. The plan below says how many."),
}

conn, task = session.conn(), session.task()
st.title(_("Prompt ladder"))
st.caption(_("Every prompt adds one thing to the one before and answers the same samples. Does prompting still help?"))
left, right = st.columns(2)
with left:
    chosen = parts.choose_eval_set(task.task_id, "ladder.set", "dev")
if chosen is None:
    st.info(_("This task has no eval set with samples for prompt tuning yet. Import one under Evaluation, Eval sets."))
    st.stop()
climbs = remembered.call(ladders.of_set, task.task_id, chosen.name)
if not climbs:
    st.info(_("Nothing has been measured on this set yet. Run its ladder under Evaluation, Runs."))
    parts.link("evaluation/runs.py", _("Go to Runs"), "stairs")
    _planning.show(task, chosen)
    st.stop()
with right:
    names = {climb.model_id: climb.model_name for climb in climbs}
    model_id = st.selectbox(_("Model"), list(names), format_func=names.__getitem__, key=f"ladder.model.{chosen.name}")
climb = next(one for one in climbs if one.model_id == model_id)
if climb.retrieval:
    rungs = ", ".join(run["rung"] for run in climb.runs if run["index_id"])
    st.caption(_("Looked up for prompt %(rungs)s: %(what)s.", rungs=rungs, what=passages.place(climb.retrieval)))

if not climb.complete:
    done, planned = (sum(run[count] for run in climb.runs) for count in ("answered", "planned"))
    st.progress(done / planned, text=_("Answers in: %(done)s of %(planned)s", done=done, planned=planned))
    st.caption(_("The verdict is shown when all answers are in, so that nobody stops at a lucky moment."))
elif len(climb.runs) < 2:
    st.info(_("This set has one prompt only. A ladder needs at least two, so there is nothing to compare."))
    _curves.show(task, climb)
else:
    judged = remembered.call(results.judge_ladder, task, climb.runs)
    sentence = _(judged.sentence.message, **judged.sentence.values)
    if judged.verdict == "on_target":
        st.success(f"### {sentence}", icon=":material/check_circle:")
    else:
        st.info(f"### {sentence}", icon=":material/stairs:")
    st.markdown(_(NEXT[judged.verdict]))
    _curves.show(task, climb)
    _steps.show(task, climb, judged)
    _locked.show(task, chosen, climb, judged)
_planning.show(task, chosen)
