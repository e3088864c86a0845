"""A trial's teacher on the gate samples: how much of the gap between base and teacher the student has closed.

Asked only once the trial's own result is known, for this one comparison.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from core.access import roles
from core.access.people import Person
from core.diagnosis import gap_share, intervals
from core.diagnosis.gap_share import GapShare
from core.diagnosis.intervals import Rate
from core.errors import Refusal
from core.evaluation import estimates, eval_sets, models, prompts, results, runs, tasks
from core.evaluation.estimates import Estimate
from core.evaluation.matrices import Matrix
from core.evaluation.models import Model
from core.locale.mark import N_
from core.release import plans, proofs
from core.store import audit, database
from core.training import trials


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Base, student and teacher on the gate samples that all three have a score for; failed calls counted apart."""

    metric: str
    base: Rate
    student: Rate
    teacher: Rate
    run_ids: tuple[str, str, str]
    """Of base, student and teacher."""
    failed: int
    gap: GapShare


def of_trial(conn: duckdb.DuckDBPyConnection, trial_id: str) -> list[Model]:
    """The teachers that wrote answers which the trial has learned."""
    query = """
        select distinct d.teacher_model_id from trials as t join training_rows as w using (training_set_id)
        join approvals as p using (approval_id) join answers as a using (answer_id)
        join distillations as d on d.run_id = a.run_id where t.trial_id = ? order by all
    """
    found = [models.find(conn, model_id) for (model_id,) in conn.execute(query, [trial_id]).fetchall()]
    return [model for model in found if model is not None]


def estimate(conn: duckdb.DuckDBPyConnection, trial_id: str, teacher: Model) -> Estimate:
    """What asking the teacher will cost and take."""
    return estimates.of(conn, _asked(conn, _trial(conn, trial_id), teacher), split="gate")


def ask(conn: duckdb.DuckDBPyConnection, *, by: Person, trial_id: str, teacher: Model) -> str:
    """Have the teacher answer the gate samples with the prompt that the base was asked with; returns the job's id.

    Raises Refusal before the trial's result is known, or when it was asked before.
    """
    roles.require(by, "run.start")
    trial = _trial(conn, trial_id)
    if plans.report(conn, trial_id) is None:
        raise Refusal(N_("The trial's own result comes first. Ask the teacher once it is known."))
    if run_of(conn, trial_id, teacher.model_id) is not None:
        raise Refusal(N_("The teacher was asked these samples already. Locked samples are for one question."))
    matrix = _asked(conn, trial, teacher)
    ((rung, prompt),) = matrix.prompts
    values = {"model": teacher.name}
    job = runs.new_job(trial["task_id"], by.person_id, N_("Gate samples: the teacher %(model)s"), values)
    plan = runs.Plan(eval_set=matrix.eval_set, split="gate", rung=rung, prompt=prompt, model=teacher, purpose="proof")
    detail = {"teacher": teacher.model_id}
    with audit.change(conn, actor=by.person_id, act="teacher.asked", subject=trial_id, detail=detail):
        (run_id,) = runs.add(conn, job=job, plans=[plan])
        row = {"trial_id": trial_id, "teacher_model_id": teacher.model_id, "run_id": run_id}
        database.insert(conn, "teacher_proofs", [{**row, "asked_by": by.person_id, "asked_at": database.now()}])
    return job.job_id


def _trial(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, Any]:
    trial = trials.find(conn, trial_id)
    if trial is None:
        raise Refusal(plans.NO_TRIAL)
    return trial


def _asked(conn: duckdb.DuckDBPyConnection, trial: Mapping[str, Any], teacher: Model) -> Matrix:
    eval_set = eval_sets.find(conn, trial["eval_set_id"])
    prompt = prompts.find(conn, trial["baseline_prompt_id"])
    if eval_set is None or prompt is None:
        raise LookupError("A trial is saved after its set and its prompts.")
    return Matrix(eval_set=eval_set, split="train", prompts=[(trial["baseline_rung"], prompt)], models=[teacher])


def run_of(conn: duckdb.DuckDBPyConnection, trial_id: str, teacher_model_id: str) -> dict[str, Any] | None:
    """The run in which the teacher was asked, with `answered` and `failed`; None if it was not."""
    query = """
        select r.*, (select count(*) from answers as a where a.run_id = r.run_id) as answered,
            (select count(*) from answers as a where a.run_id = r.run_id and failure is not null) as failed
        from teacher_proofs as t join runs as r using (run_id) where t.trial_id = ? and t.teacher_model_id = ?
    """
    return database.row(conn, query, [trial_id, teacher_model_id])


def compare(conn: duckdb.DuckDBPyConnection, trial_id: str, teacher_model_id: str) -> Comparison | None:
    """The three side by side, by the plan's metric; None before every answer is in and the trial's result is known."""
    report, run = plans.report(conn, trial_id), run_of(conn, trial_id, teacher_model_id)
    if report is None or run is None or run["answered"] < run["planned"]:
        return None
    plan, task = plans.current(conn, trial_id), tasks.find(conn, run["task_id"])
    assert task is not None, "a run is saved after its task"
    metric = plan["terms"].metric if plan else task.plan.metric
    (before,), (after,) = (
        [one["run_id"] for one in report.runs if (one["split"], one["side"]) == ("gate", side)] for side in proofs.SIDES
    )
    run_ids = before, after, run["run_id"]
    found = results.shared(conn, run_ids, metric)
    base, student, teacher = (found.values[one] for one in run_ids)
    return Comparison(
        metric=metric,
        base=intervals.mean_rate(base),
        student=intervals.mean_rate(student),
        teacher=intervals.mean_rate(teacher),
        run_ids=run_ids,
        failed=run["failed"],
        gap=gap_share.measure(base, student, teacher, found.groups),
    )
