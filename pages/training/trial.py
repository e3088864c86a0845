"""Trial fine-tune: what would be learned, what it has to beat, and how the trials went."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.access import roles
from core.evaluation import prompts, results, retrieving, runs
from core.evaluation.eval_sets import EvalSet
from core.evaluation.prompts import Ladder, Prompt
from core.evaluation.retrieving import Retrieval
from core.locale.mark import N_
from core.training import drafts, learning_curves, training_sets, trials
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _retrieval
from pages.training import _check, _curve, _plan, _trials

task = session.task()
st.title(_("Trial fine-tune"))
st.markdown(
    _(
        "The model learns from the approved samples. Afterwards it answers gate and retain samples by itself, which "
        "it has never seen, and has to beat the best prompt."
    )
)


def start(eval_set: EvalSet, ladder: Ladder) -> None:
    """The form of a new trial."""
    climbed = runs.latest_ladder(session.conn(), task.task_id, eval_set.name)
    base = parts.choose_model("trial.base", "local", usual=climbed[0]["model_id"] if climbed else None)
    rungs = dict(ladder.rungs)
    taught = st.selectbox(
        _("Prompt to teach"),
        list(rungs),
        format_func=lambda rung: plain(rungs[rung].name),
        key="trial.prompt",
        help=_("What a longer prompt explains, the model learns instead. So the shortest is usual: cheaper to ask."),
    )
    baseline, usual = to_beat(climbed, ladder)
    retrieval = _retrieval.for_prompts(task.task_id, "trial", [rungs[taught], baseline[1]], usual)
    method = _plan.method()
    draft = drafts.of_task(session.conn(), task.task_id, method)
    _plan.show_rows(draft)
    goes_on = _plan.goes_on(base) if base else None
    recipe = _plan.recipe(len(draft.rows), method)
    fit = bool(base and recipe and _check.show(draft, base, recipe, rungs[taught]))
    may = roles.may(session.person(), "train.start")
    if not may:
        st.info(_("Operators start trials."))
    ready = base is not None and recipe is not None and fit and may
    if st.button(_("Start trial fine-tune"), type="primary", disabled=not ready, key="trial.start"):
        with session.refusing():
            conn, person = session.conn(), session.person()
            frozen = training_sets.freeze(conn, by=person, task_id=task.task_id, prompt=rungs[taught], method=method)
            trials.start(conn, by=person, eval_set=eval_set, training_set=frozen, base=base, baseline=baseline,
                         recipe=recipe, goes_on=goes_on, retrieval=retrieval)  # fmt: skip
            session.keep_message(N_("The trial has begun. You may close this page; it goes on by itself."))
            st.rerun()
    if ready and len(draft.rows) >= learning_curves.FEWEST and eval_set.counts.get("dev"):
        _curve.offer(eval_set, rungs[taught], base, baseline, recipe, retrieval)


def to_beat(climbed: Sequence[Mapping[str, Any]], ladder: Ladder) -> tuple[tuple[str, Prompt], Retrieval | None]:
    """The best rung of the ladder that was run, with what it looked up, else the last rung; says which and why."""
    conn = session.conn()
    if climbed and all(run["answered"] >= run["planned"] for run in climbed):
        best = results.best_rung(conn, task, climbed)
        run = next(one for one in climbed if one["rung"] == best)
        prompt, usual = prompts.find(conn, run["prompt_id"]), retrieving.of_run(run)
        assert prompt is not None, "a run is saved after its prompt"
        why = _(
            "It has to beat the prompt **%(prompt)s**: the best of the newest ladder, on %(model)s.",
            prompt=plain(prompt.name),
            model=run["model_name"],
        )
    else:
        (best, prompt), usual = ladder.rungs[-1], None
        why = _(
            "It has to beat the prompt **%(prompt)s**: the last of the ladder, since none was run to its end.",
            prompt=plain(prompt.name),
        )
    st.markdown(why)
    return (best, prompt), usual


if (chosen := parts.choose_eval_set(task.task_id, "trial.set", "gate")) is None:
    st.info(_("No eval set of this task has gate samples, so nothing could be proven. Import one with a gate share."))
elif (rungs := prompts.ladder(session.conn(), task.task_id, chosen.name)) is None:
    st.info(_("This eval set has no prompts yet. Write them under Evaluation, Prompts."))
else:
    start(chosen, rungs)
_curve.show(task)
_trials.show(task.task_id)
