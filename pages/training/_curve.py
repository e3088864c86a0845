"""Learning curves: one button for three trials, and what they say of more samples."""

import pandas as pd
import streamlit as st

from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.training import learning_curves
from core.training.recipes import Recipe
from pages._ui import charts, parts, persons, session, training_charts
from pages._ui.session import _
from pages.diagnosis import _samples

SHOWN = 3


def offer(
    eval_set: EvalSet,
    prompt: Prompt,
    base: Model,
    baseline: tuple[str, Prompt],
    recipe: Recipe,
    retrieval: Retrieval | None,
) -> None:
    """The button; what is chosen above holds for all three trials."""
    clicked = st.button(
        _("Measure the learning curve"),
        icon=":material/trending_up:",
        key="trial.curve",
        help=_("Three trials with these settings and this seed, on 25%, 50% and 100% of the approved samples: would "
               "more of them help? Measured on dev samples; it takes nearly twice as long as one trial."),
    )  # fmt: skip
    if clicked:
        with session.refusing():
            learning_curves.start(session.conn(), by=session.person(), eval_set=eval_set, prompt=prompt, base=base,
                                  baseline=baseline, recipe=recipe, retrieval=retrieval)  # fmt: skip
            session.keep_message(N_("The three trials have begun. You may close this page; they go on by themselves."))
            st.rerun()


def show(task: Task) -> None:
    """The newest ones, each with its sentence and chart, and the trials that are still at work."""
    known = learning_curves.of_task(session.conn(), task.task_id)
    if not known:
        return
    st.header(_("Learning curve"))
    for curve in known[:SHOWN]:
        with st.container(border=True):
            values = {"name": persons.name(curve["created_by"]), "when": parts.moment(curve["created_at"])}
            st.caption(_("Begun by %(name)s on %(when)s", **values))
            found = learning_curves.measure(session.conn(), task, curve)
            if found.learning is not None:
                words = _(found.learning.sentence.message, **found.learning.sentence.values)
                (st.info if found.learning.outcome == "unknown" else st.success)(words)
            if len(found.points):
                _show_points(task, curve["curve_id"], found.points)
            if len(found.points) < len(learning_curves.PARTS):
                for trial in curve["trials"]:
                    parts.job(trial["job_id"], f"curve.{trial['trial_id']}")


def _show_points(task: Task, curve_id: str, points: pd.DataFrame) -> None:
    """The chart; a click on a point shows what the model that learned from so many samples answered."""
    key, numbers = f"curve.{curve_id}", points.drop(columns="run_id")
    picked = charts.show(training_charts.learning(numbers), numbers, key=key, name="curve")
    st.caption(_("On dev samples, by: %(metric)s.", metric=charts.metric_name(task.plan.metric)))
    for point in picked[:1]:
        run_id = points.set_index("rows").at[point["rows"], "run_id"]
        st.markdown(_("**Learned from %(rows)s approved samples:** the samples behind this point", rows=point["rows"]))
        _samples.show(run_id, f"{key}.samples", task.plan.metric)
    if not picked:
        st.caption(_("Click a point to see its samples."))
