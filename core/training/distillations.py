"""Distillation: a stronger model answers the train samples in bulk, and a share of its answers is drawn for people.

The teacher's answers are a run like any other, so that resuming, cost, cap and copying are those of runs. Each sample
keeps its best candidate; a random share of these is judged in the rating room; what comes of it is in `batches`.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import matrices, runs
from core.evaluation.matrices import Matrix
from core.evaluation.models import Model
from core.locale.mark import N_
from core.review import queues
from core.store import audit, database
from core.training import candidates
from core.training.candidates import Candidate

FEWEST_CHECKED = 30
"""Of fewer answers, even a check without a fault allows more than one wrong answer in ten (Wilson)."""


def start(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    matrix: Matrix,
    licence: str,
    student: Model | None = None,
    cap: float | None = None,
) -> str:
    """Queue the teacher's answers, `matrix.repeats` to each train sample; returns the distillation's id.

    The matrix has one prompt and one model, the teacher. With a student, that answers each sample once, so that pairs
    can be learned from. Raises Refusal without a word on the licence, or when the cap cannot be kept.
    """
    roles.require(by, "train.start")
    if not licence.strip():
        raise Refusal(
            N_("Say under which terms the teacher's answers may be learned from: many providers forbid it. "
               "The note stays on every row.")
        )  # fmt: skip
    if matrix.split != "train" or len(matrix.prompts) != 1 or len(matrix.models) != 1:
        raise ValueError("One teacher answers train samples with one prompt.")
    spec = matrices.capped(conn, matrix.models, cap)
    ((rung, prompt),), (teacher,) = matrix.prompts, matrix.models
    shared: dict[str, Any] = {"eval_set": matrix.eval_set, "split": "train", "rung": rung, "prompt": prompt}
    task_id, distillation_id = matrix.eval_set.task_id, uuid4().hex
    values = {"set": matrix.eval_set.name, "model": teacher.name}
    asked = runs.new_job(task_id, by.person_id, N_("Teacher's answers: %(set)s by %(model)s"), values, spec)
    row: dict[str, Any] = {
        "distillation_id": distillation_id,
        "task_id": task_id,
        "eval_set_id": matrix.eval_set.eval_set_id,
        "job_id": asked.job_id,
        "teacher_model_id": teacher.model_id,
        "teacher": teacher.name,
        "licence": licence.strip(),
        "student_run_id": None,
        "created_by": by.person_id,
        "created_at": database.now(),
    }
    detail = {"teacher": teacher.model_id, "licence": licence.strip(), "candidates": matrix.repeats}
    with audit.change(conn, actor=by.person_id, act="distillation.started", subject=distillation_id, detail=detail):
        plan = runs.Plan(model=teacher, purpose="matrix", **shared)
        how = matrices.decoding(conn, matrix)
        (row["run_id"],) = runs.add(conn, job=asked, plans=[plan], decoding=how, repeats=matrix.repeats)
        if student is not None:
            values = {"set": matrix.eval_set.name, "model": student.name}
            other = runs.new_job(task_id, by.person_id, N_("Student's answers: %(set)s by %(model)s"), values)
            plan = runs.Plan(model=student, purpose="collect", **shared)
            (row["student_run_id"],) = runs.add(conn, job=other, plans=[plan])
        database.insert(conn, "distillations", [row])
    return distillation_id


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's distillations, the newest first: the row with its draw and decision, as far as there are any.

    `answered` of `planned` counts candidates, `kept` the samples that have one worth learning.
    """
    return database.rows(conn, _WITH_STATE + " where d.task_id = ? order by d.created_at desc", [task_id])


def find(conn: duckdb.DuckDBPyConnection, distillation_id: str) -> dict[str, Any] | None:
    """One of them, as `of_task` gives it."""
    return database.row(conn, _WITH_STATE + " where d.distillation_id = ?", [distillation_id])


_WITH_STATE = """
    select d.*, r.planned, r.repeats, w.rule, w.judging_id, w.queue_id, w.asked, e.decision, e.passed, e.checked,
        e.approved, e.reason, e.decided_by, e.decided_at,
        (select count(*) from answers as a where a.run_id = d.run_id) as answered,
        (select count(*) from answers as a where a.run_id = d.run_id and failure is not null) as failed,
        (select count(*) from distilled_answers as k where k.distillation_id = d.distillation_id) as kept
    from distillations as d join runs as r using (run_id) left join distillation_draws as w using (distillation_id)
    left join distillation_decisions as e using (distillation_id)
"""


def draw(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    distillation_id: str,
    share: float,
    judging_id: str | None = None,
    name: str = "",
) -> str:
    """Keep each sample's best candidate and put a random share of them into a queue; returns the queue's id.

    The best is the one with the highest score or, with a judging, one that the judge passed (see `candidates.best`).
    At least `FEWEST_CHECKED` are drawn, or all. Raises Refusal while answers or verdicts are missing, or when there is
    nothing to keep.
    """
    roles.require(by, "train.start")
    known = undecided(conn, distillation_id)
    if known["queue_id"]:
        raise Refusal(N_("The best answers of this batch were chosen already. Judge those that were drawn."))
    if known["answered"] < known["planned"]:
        raise Refusal(
            N_("%(left)s of the teacher's answers are missing still. Wait for them, or resume the job."),
            left=known["planned"] - known["answered"],
        )
    found = _candidates(conn, known["run_id"], judging_id)
    kept = {sample: chosen.answer_id for sample, said in found.items() if (chosen := candidates.best(said)) is not None}
    if not kept:
        raise Refusal(N_("None of the teacher's answers is right by this rule. Choose another rule or teacher."))
    queue_id = queues.create(
        conn,
        by=by,
        task_id=known["task_id"],
        run_ids=[known["run_id"]],
        limit=min(len(kept), max(FEWEST_CHECKED, round(share * len(kept)))),
        terms=queues.Terms(name=name),
        only=set(kept.values()),
    )
    row: dict[str, Any] = {
        "distillation_id": distillation_id,
        "rule": "judge" if judging_id else "scorer",
        "judging_id": judging_id,
    }
    row |= {"asked": len(found), "queue_id": queue_id, "drawn_by": by.person_id, "drawn_at": database.now()}
    detail = {"rule": row["rule"], "kept": len(kept), "asked": len(found), "queue": queue_id}
    with audit.change(conn, actor=by.person_id, act="distillation.drawn", subject=distillation_id, detail=detail):
        database.insert(conn, "distillation_draws", [row])
        answers = [
            {"distillation_id": distillation_id, "sample_id": sample, "answer_id": answer}
            for sample, answer in kept.items()
        ]
        database.insert(conn, "distilled_answers", answers)
    return queue_id


def undecided(conn: duckdb.DuckDBPyConnection, distillation_id: str) -> dict[str, Any]:
    """The distillation; raises Refusal when its batch is decided."""
    known = find(conn, distillation_id)
    if known is None or known["decision"]:
        raise Refusal(N_("This batch is decided already. Start another one."))
    return known


def _candidates(conn: duckdb.DuckDBPyConnection, run_id: str, judging_id: str | None) -> Mapping[str, list[Candidate]]:
    """sample id -> its candidates in the order in which they were asked for; failed calls are none."""
    query = """
        select a.sample_id, a.answer_id, a.text, case when $judging is null then c.value
            else case j.verdict when 'pass' then 1 when 'fail' then 0 end end as value
        from answers as a left join scores as c on c.answer_id = a.answer_id and c.metric in ('correct', 'overlap')
        left join judgements as j on j.answer_id = a.answer_id and j.judging_id = $judging
        where a.run_id = $run order by a.sample_id, a.repeat
    """
    found: dict[str, list[Candidate]] = defaultdict(list)
    for row in database.rows(conn, query, {"run": run_id, "judging": judging_id}):
        said = found[row.pop("sample_id")]
        if row["text"] is not None and row["text"].strip():
            said.append(Candidate(**row))
    return found
