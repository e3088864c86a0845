"""Runs: the ladder over a set on a model; matrices of prompts and models; answers for people to judge."""

import streamlit as st

from core.access import roles
from core.evaluation import prompts, runs
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.diagnosis import _planning
from pages.evaluation import _climb, _collect, _limits, _matrix, _results

conn, person, task = session.conn(), session.person(), session.task()
st.title(_("Runs"))
st.caption(_("A run puts the questions of an eval set to a model with a prompt, and keeps every answer."))
views = {"ladder": plain("Ladder"), "matrix": plain("Matrix"), "review": plain("Answers for people to judge")}
view = parts.view(_("View"), views, "runs.view")
left, right = st.columns(2)
with left:
    chosen = parts.choose_eval_set(task.task_id, "runs.set")
if chosen is None:
    st.info(_("This task has no eval set yet. Import one under Evaluation, Eval sets."))
    st.stop()
ladder = prompts.ladder(conn, task.task_id, chosen.name)
if view == "matrix":
    _matrix.show(task, chosen, ladder)
    st.stop()
with right:
    model = parts.choose_model("runs.model")
ladder_runs = runs.latest_ladder(conn, task.task_id, chosen.name)

missing = None
if not roles.may(person, "run.start"):
    missing = _("Only an operator starts runs.")
elif model is None:
    missing = _("A model is missing: add one under Evaluation, Models.")
elif ladder is None:
    missing = _("The set has no prompts: make a first ladder under Evaluation, Prompts.")

if view == "review":
    _collect.show(task, chosen, ladder, model, missing, ladder_runs)
    st.stop()

count = chosen.counts.get("dev", 0)
if missing is None and not count:
    missing = _("The set has no samples for prompt tuning (dev). Choose another set, or import one that has some.")
if missing is None and ladder_runs and parts.is_open(ladder_runs[0]["job_id"]):
    missing = _("The ladder is running. Wait until it has ended, or stop it.")
if missing:
    st.button(_("Run the ladder"), type="primary", disabled=True, key="runs.start")
    st.caption(missing)
else:
    _climb.show(task, chosen, ladder, model)
    rungs = len(ladder.rungs)
    st.caption(
        _(
            "%(rungs)s prompts × %(count)s samples × %(repeats)s (K, answers per sample) = %(all)s answers",
            rungs=rungs,
            count=count,
            repeats=task.plan.repeats,
            all=rungs * count * task.plan.repeats,
        )
    )
    st.caption(_planning.promise(task, count, task.plan.repeats))
if ladder_runs:
    parts.job(ladder_runs[0]["job_id"], "runs.job")
    _limits.go_on(ladder_runs[0]["job_id"])
    _results.show(conn, task, person, ladder_runs)
else:
    st.info(_("Nothing has been measured on this set yet."))
