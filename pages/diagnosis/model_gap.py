"""Models compared: is the model too weak, or is the task badly defined?"""

import streamlit as st

from core.evaluation import ladders
from core.locale.mark import N_
from pages._ui import parts, remembered, session
from pages._ui.session import _, plain
from pages.diagnosis import _evidence, _model_rates

NEXT = {
    "target_fine": N_("Next: nothing to do here. This model is good enough."),
    "capability_gap": N_("Next: switch to the stronger model, or let it teach this one (distil)."),
    "all_weak": N_(
        "Next: read the questions as a stranger would. If raters disagree as well, make the rubric clearer first."
    ),
    "not_enough": N_("Next: add samples, or a stronger model to compare with."),
}

conn, task = session.conn(), session.task()
st.title(_("Models compared"))
st.caption(
    _(
        "Several models answer the same samples with the same prompt. If a strong one can do it, the task is fine and "
        "the model is too weak. If none can, look at the task."
    )
)
chosen = parts.choose_eval_set(task.task_id, "model_gap.set", "dev")
found = remembered.call(ladders.same_prompt, task.task_id, chosen.name) if chosen else []
if not found or len(found[0]) < 2:
    st.info(_("A comparison needs two models that were asked with the same prompt. Run the ladder on another model."))
    parts.link("evaluation/runs.py", _("Go to Runs"), "stairs")
    st.stop()
several = {runs[0]["prompt_id"]: runs for runs in found if len(runs) > 1}


def name(prompt_id: str) -> str:
    runs = several[prompt_id]
    prompt = runs[0]["prompt_name"]
    return plain("%(prompt)s: %(count)s models", prompt=plain(prompt), count=len(runs))


left, right = st.columns(2)
with left:
    prompt_id = parts.select(_("Prompt"), list(several), format_func=name, key=f"model_gap.prompt.{chosen.name}")
runs = several[prompt_id]
names = {run["model_id"]: _evidence.name_of(run, runs) for run in runs}
with right:
    base = st.selectbox(
        _("The model you want to use"), list(names), format_func=names.__getitem__, key=f"model_gap.base.{prompt_id}"
    )
judged = remembered.call(_evidence.judge_models, task, runs, base)
if judged is None:
    st.info(_("No answer could be compared with a reference, so there is nothing to count."))
    st.stop()
sentence = _(judged.sentence.message, **judged.sentence.values)
if judged.verdict == "target_fine":
    st.success(f"### {sentence}", icon=":material/check_circle:")
else:
    st.info(f"### {sentence}", icon=":material/compare:")
st.markdown(_(NEXT[judged.verdict]))
_model_rates.show(task, runs, names, judged)
