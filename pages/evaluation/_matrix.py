"""A matrix: choosing prompts and models, what it will cost, starting it, and what it showed."""

import streamlit as st

from core.access import roles
from core.evaluation import estimates, matrices, models, runs
from core.evaluation.eval_sets import EvalSet
from core.evaluation.matrices import Matrix
from core.evaluation.prompts import Ladder
from core.evaluation.tasks import Task
from core.jobs import jobs
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _costs, _limits, _results, _retrieval, _words


def show(task: Task, eval_set: EvalSet, ladder: Ladder | None) -> None:
    """The form above, the matrix that is looked at below."""
    if ladder is None:
        st.info(_("The set has no prompts: make a first ladder under Evaluation, Prompts."))
    elif not roles.may(session.person(), "run.start"):
        st.caption(_("Only an operator starts runs."))
    else:
        _form(eval_set, ladder)
    known = matrices.jobs_of(session.conn(), task.task_id)
    if not known:
        st.info(_("No matrix has been run for this task yet."))
        return
    titles = {job_id: _title(job_id) for job_id in known}
    # A newly started matrix is the one to look at: the key changes with their number.
    job_id = parts.select(_("Matrix"), known, format_func=titles.__getitem__, key=f"matrix.job.{len(known)}")
    parts.job(job_id, f"matrix.job.{job_id}.state")
    _limits.go_on(job_id)
    _results.show_matrix(session.conn(), session.person(), runs.measured(session.conn(), job_id))


def _title(job_id: str) -> str:
    found = jobs.find(session.conn(), job_id)
    assert found is not None, "a run is saved with its job"
    return f"{found.number} · {plain(found.title, **found.values)}"


def _form(eval_set: EvalSet, ladder: Ladder) -> None:
    conn = session.conn()
    rungs = dict(ladder.rungs)
    known = {one.model_id: one for one in reversed(models.offered(conn))}
    splits = [split for split in ("dev", "train") if eval_set.counts.get(split)]
    if not known or not splits:
        st.info(_("A matrix needs a model and samples for tuning or learning."))
        return
    left, right = st.columns(2)
    with left:
        chosen = st.multiselect(
            _("Prompts"), list(rungs), default=list(rungs), format_func=lambda one: plain(rungs[one].name),
            placeholder=plain("Choose"), key=f"matrix.prompts.{ladder.ladder_id}",
        )  # fmt: skip
        split = parts.select(
            _("Samples"), splits, format_func=lambda one: plain(_words.SPLITS[one]), key="matrix.split"
        )
    with right:
        on = st.multiselect(
            _("Models"), list(known), default=list(known)[:1], format_func=lambda one: known[one].name,
            placeholder=plain("Choose"), key=f"matrix.models.{len(known)}",
        )  # fmt: skip
        repeats = st.number_input(
            _("Repeats"), 1, 100, 1, key="matrix.repeats",
            help=_("How often each question is asked. Repeats show how much answers vary; they need a temperature "
                   "above 0."),
        )  # fmt: skip
    retrieval, beside, both = _retrieval.choose(eval_set.task_id, "matrix")
    temperature, cap, longest, fresh, structured = _details(
        bool(eval_set.schema or any(prompt.schema for prompt in rungs.values()))
    )
    with session.refusing():
        matrix = Matrix(
            eval_set=eval_set, split=split, prompts=[(rung, rungs[rung]) for rung in chosen],
            models=[known[one] for one in on], repeats=repeats, temperature=temperature, structured=structured,
            max_new_tokens=longest, retrieval=retrieval, beside=beside, both=both,
        )  # fmt: skip
        _costs.estimate(estimates.of(conn, matrix, fresh=fresh, settings=session.settings()))
        if st.button(_("Run the matrix"), type="primary", key="matrix.start"):
            matrices.start(conn, by=session.person(), matrix=matrix, cap=cap, fresh=fresh)
            st.rerun()


def _details(has_schema: bool) -> tuple[float, float | None, int | None, bool, bool]:
    with st.expander(_("Temperature, spending cap and more")):
        temperature = st.number_input(_("Temperature"), 0.0, 2.0, 0.0, 0.1, key="matrix.temperature")
        cap, longest = _limits.fields("matrix")
        fresh = st.checkbox(_("Ask again what was answered before"), key="matrix.fresh")
        structured = has_schema and st.checkbox(
            _("Let endpoints hold answers to the JSON schema of the prompt, or else of the set"),
            key="matrix.structured",
            help=_("Servers that can are asked for exactly this JSON, others for any JSON, the rest for text. The "
                   "format of an answer then says little about the prompt."),
        )  # fmt: skip
    return temperature, cap, longest, fresh, structured
