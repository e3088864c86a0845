"""Answers for people to judge: collected on the training samples, or taken from the ladder, and put into the queue."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.access import roles
from core.evaluation import answers, estimates, matrices, runs
from core.evaluation.eval_sets import EvalSet
from core.evaluation.matrices import Matrix
from core.evaluation.models import Model
from core.evaluation.prompts import Ladder
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.review import queues
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _costs, _limits, _retrieval

ONE_SITTING = 40
"""Answers that a person judges in one go."""


def show(
    task: Task,
    eval_set: EvalSet,
    ladder: Ladder | None,
    model: Model | None,
    missing: str | None,
    ladder_runs: Sequence[Mapping[str, Any]],
) -> None:
    """Both steps; `missing` says why no answers can be collected, `ladder_runs` are the newest ladder's."""
    st.subheader(_("1. Collect answers to the training samples"))
    st.markdown(
        _("The model answers the samples it may learn from. People then judge, correct and approve the answers.")
    )
    collected = runs.latest(session.conn(), task.task_id, "collect")
    _collect(eval_set, ladder, model, missing, collected["job_id"] if collected else None)
    if collected:
        parts.job(collected["job_id"], "runs.collect_job")
        _limits.go_on(collected["job_id"])
    st.subheader(_("2. Let people judge them"))
    _queue(task, {"collect": [collected] if collected else [], "ladder": ladder_runs})


def _collect(
    eval_set: EvalSet, ladder: Ladder | None, model: Model | None, missing: str | None, last_job: str | None
) -> None:
    count = eval_set.counts.get("train", 0)
    if missing is None and not count:
        missing = _("The set has no samples to learn from (train). Choose another set, or import one that has some.")
    if missing is None and last_job and parts.is_open(last_job):
        missing = _("Answers are being collected.")
    if missing is not None or ladder is None or model is None:
        st.caption(missing)
        return
    rungs = dict(ladder.rungs)
    rung = parts.select(
        _("With the prompt"),
        list(rungs),
        format_func=lambda one: plain(rungs[one].name),
        help=_("The minimal prompt is usual: the model learns to answer right without long instructions."),
        key=f"runs.rung.{ladder.ladder_id}",
    )
    retrieval = _retrieval.for_prompts(eval_set.task_id, "runs.collect", [rungs[rung]])
    with st.expander(_("Spending cap and longest answer")):
        cap, longest = _limits.fields("runs.collect")
    with session.refusing():
        matrix = Matrix(
            eval_set=eval_set, split="train", prompts=[(rung, rungs[rung])], models=[model], max_new_tokens=longest,
            retrieval=retrieval,
        )  # fmt: skip
        _costs.estimate(estimates.of(session.conn(), matrix, settings=session.settings()))
        if st.button(_("Collect %(count)s answers", count=count), type="primary", key="runs.collect"):
            matrices.collect(session.conn(), by=session.person(), matrix=matrix, cap=cap)
            st.rerun()


def _queue(task: Task, sources: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    conn, person = session.conn(), session.person()
    run_ids = {source: [run["run_id"] for run in found] for source, found in sources.items()}
    ready = {source: count for source in sources if (count := answers.texts(conn, run_ids[source]))}
    if not ready:
        st.caption(_("There are no answers yet."))
        return
    names = {"collect": plain("Answers to training samples"), "ladder": plain("Answers of the ladder")}
    source = st.segmented_control(
        _("Which answers"),
        list(ready),
        default=next(iter(ready)),
        required=True,
        format_func=lambda one: f"{names[one]} · {ready[one]}",
        key=f"runs.source.{len(ready)}",  # once collected answers are there, they are the usual choice
    )
    usual = ready[source] if source == "collect" else min(ONE_SITTING, ready[source])
    key = f"runs.queue_size.{source}.{ready[source]}"
    count = st.number_input(_("How many, drawn at random"), 1, ready[source], usual, key=key, width=280)
    coming = parts.is_open(sources[source][0]["job_id"])
    if coming:
        st.caption(_("Answers are still coming in. Wait until all are there."))
    blocked = coming or not roles.may(person, "run.start")
    if st.button(_("Put them into the rating queue"), disabled=blocked, key="runs.queue"):
        with session.refusing():
            queues.create(conn, by=person, task_id=task.task_id, run_ids=run_ids[source], limit=count)
            session.keep_message(N_("%(count)s answers wait to be judged under Review, Rate."), count=count)
            st.rerun()
    waiting = sum(one["total"] - one["done"] for one in queues.of_task(conn, task.task_id, person.person_id))
    if waiting and roles.may(person, "rate"):
        parts.link("review/rate.py", _("Judge answers: %(count)s wait for you", count=waiting), "rate_review")
