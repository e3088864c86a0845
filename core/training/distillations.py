"""Distillation: a stronger model answers the train samples in bulk, people check a share, and the batch is approved.

The teacher's answers are a run like any other, so that resuming, cost, cap and copying are those of runs. Each sample
keeps its best candidate; a random share of these is judged in the rating room; then the batch is approved, or not.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import duckdb

from core.access import roles
from core.access.people import Person
from core.diagnosis import intervals
from core.diagnosis.intervals import Rate
from core.errors import Refusal
from core.evaluation import matrices, runs
from core.evaluation.matrices import Matrix
from core.evaluation.models import Model
from core.locale.mark import N_
from core.review import approvals, queues
from core.store import audit, database
from core.training import candidates, leakage
from core.training.candidates import Candidate

FEWEST_CHECKED = 30
"""Of fewer answers, even a check without a fault allows more than one wrong answer in ten (Wilson)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotCheck:
    """What people said of the drawn answers: `rate` of those that pass, `left` to be judged, `skipped` by everybody.

    `failed` are the answers that did not pass; they are approved by nobody, whatever becomes of the batch.
    """

    rate: Rate
    left: int
    skipped: int
    failed: Collection[str]


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
    known = _open(conn, distillation_id)
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


def _open(conn: duckdb.DuckDBPyConnection, distillation_id: str) -> dict[str, Any]:
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


def spot_check(conn: duckdb.DuckDBPyConnection, distillation_id: str) -> SpotCheck | None:
    """What the check has shown so far; None before anything was drawn."""
    query = """
        select s.answer_id, s.state, s.skipped, case when s.state <> 'done' then null else
            coalesce(s.decision, case when s.failed > 0 then 'fail' else 'pass' end) end as verdict
        from distillation_draws as d join queue_states as s using (queue_id) where d.distillation_id = ?
    """
    rows = database.rows(conn, query, [distillation_id])
    if not rows:
        return None
    verdicts = [row["verdict"] for row in rows if row["verdict"]]
    unsaid = [row for row in rows if not row["verdict"]]
    skipped = sum(row["skipped"] > 0 and row["state"] == "waiting" for row in unsaid)
    return SpotCheck(
        rate=intervals.rate(verdicts.count("pass"), len(verdicts)),
        left=len(unsaid) - skipped,
        skipped=skipped,
        failed={row["answer_id"] for row in rows if row["verdict"] == "fail"},
    )


def decide(
    conn: duckdb.DuckDBPyConnection, *, by: Person, distillation_id: str, approved: bool, reason: str = ""
) -> int:
    """Approve the batch as a whole, or reject it; returns how many samples were approved.

    Left out are answers that failed the check, samples that people have decided about, and those whose question is a
    locked one or another one of the batch. Raises Refusal before the check is done, and without a reason to reject.
    """
    roles.require(by, "approve")
    known = _open(conn, distillation_id)
    check = spot_check(conn, distillation_id)
    if check is None or check.left or not check.rate.n:
        raise Refusal(
            N_("The check is not done: %(left)s answers wait to be judged. Judge them under Review, Rate."),
            left=check.left if check else 0,
        )
    if not approved and not reason.strip():
        raise Refusal(N_("A rejection needs a reason. Say in a few words what is wrong."))
    rows = _to_approve(conn, known, check.failed) if approved else []
    if approved and not rows:
        raise Refusal(N_("Nothing of this batch is left to approve: people have decided about all of it already."))
    row: dict[str, Any] = {"distillation_id": distillation_id, "decision": "approved" if approved else "rejected"}
    row |= {"passed": round((check.rate.value or 0) * check.rate.n), "checked": check.rate.n, "approved": len(rows)}
    row |= {"reason": reason.strip(), "decided_by": by.person_id, "decided_at": database.now()}
    act, detail = f"distillation.{row['decision']}", {name: row[name] for name in ("passed", "checked", "reason")}
    detail["samples"] = [one["sample_id"] for one in rows]
    with audit.change(conn, actor=by.person_id, act=act, subject=distillation_id, detail=detail):
        database.insert(conn, "distillation_decisions", [row])
        approvals.add(conn, rows, by=by, decision="approved", reason=reason.strip())
    return len(rows)


def _to_approve(
    conn: duckdb.DuckDBPyConnection, known: Mapping[str, Any], failed: Collection[str]
) -> list[dict[str, Any]]:
    query = """
        select p.task_id, k.sample_id, k.answer_id, a.text as completion, p.input, p.context
        from distilled_answers as k join answers as a using (answer_id) join samples as p on p.sample_id = k.sample_id
        left join latest_approvals as d on d.sample_id = k.sample_id
        where k.distillation_id = ? and coalesce(d.decision, 'withdrawn') = 'withdrawn' order by p.key, k.sample_id
    """
    rows = [row for row in database.rows(conn, query, [known["distillation_id"]]) if row["answer_id"] not in failed]
    query = "select input from samples where task_id = ? and split in ('gate', 'retain')"
    locked = [text for (text,) in conn.execute(query, [known["task_id"]]).fetchall()]
    alike = {pair.train for pair in leakage.overlaps([row["input"] for row in rows], locked)}
    query = """
        select p.input, p.context from latest_approvals as d join samples as p using (sample_id)
        where d.task_id = ? and d.decision = 'approved'
    """
    asked = {_question(row) for row in database.rows(conn, query, [known["task_id"]])}
    kept = []
    for place, row in enumerate(rows):
        question = _question(row)
        if place in alike or question in asked:
            continue
        asked.add(question)
        kept.append({name: row[name] for name in ("task_id", "sample_id", "answer_id", "completion")})
    return [{**row, "rating_id": None, "origin": "as_is"} for row in kept]


def _question(row: Mapping[str, Any]) -> str:
    return leakage.normal(f"{row['input']}\n{row['context']}")
