"""A judge's work on a run's answers, and what came of it. Its verdicts never become scores."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import models, retrieving
from core.generation.base import Decoding
from core.jobs import jobs
from core.judging import criteria, judges, replies
from core.judging.criteria import Judge
from core.knowledge import shown
from core.locale.mark import N_
from core.store import audit, database


def ready_runs(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's runs of which every answer is in, the newest first, with `set_name` and `model_name`."""
    query = """
        select r.*, s.name as set_name, m.name as model_name
        from runs as r join eval_sets as s using (eval_set_id) join models as m using (model_id)
        where r.task_id = ? and planned = (select count(*) from answers as a where a.run_id = r.run_id)
        order by r.created_at desc, r.rung
    """
    return database.rows(conn, query, [task_id])


def start(
    conn: duckdb.DuckDBPyConnection, *, by: Person, judge: Judge, run_id: str, other_run_id: str | None = None
) -> str:
    """Queue the judging of a run's answers, or of two runs' side by side in both orders; returns the job's id.

    Raises Refusal when answers are missing, when two runs are not over the same samples, or when it was done before.
    """
    roles.require(by, "run.start")
    wanted = [run_id] if other_run_id is None else [run_id, other_run_id]
    query = """
        select r.*, (select count(*) from answers as a where a.run_id = r.run_id) as answered
        from runs as r where list_contains($runs, run_id)
    """
    found = {run["run_id"]: run for run in database.rows(conn, query, {"runs": wanted})}
    if (judge.form == "pair") != (len(found) == 2):
        raise Refusal(N_("A judge of pairs needs two runs, any other judge one. Choose the runs again."))
    if any(run["answered"] < run["planned"] for run in found.values()):
        raise Refusal(N_("Some answers of the run are not in yet. Wait until it has ended."))
    if len({(run["eval_set_id"], run["split"]) for run in found.values()}) > 1:
        raise Refusal(N_("The two runs answer different samples. Choose two runs over the same part of the same set."))
    query = "select 1 from judgings where judge_id = $judge and run_id = $run and other_run_id is not distinct from $o"
    if database.row(conn, query, {"judge": judge.judge_id, "run": run_id, "o": other_run_id}) is not None:
        raise Refusal(N_("This judge has been asked about this run already. Its verdicts are below."))
    task_id = found[run_id]["task_id"]
    row = {"judging_id": uuid4().hex, "judge_id": judge.judge_id, "task_id": task_id, "job_id": uuid4().hex}
    row |= {"run_id": run_id, "other_run_id": other_run_id, "created_by": by.person_id, "created_at": database.now()}
    planned = len(_items(conn, row))
    if not planned:
        raise Refusal(N_("The run has no answer with a text to judge."))
    job = jobs.Job(
        job_id=row["job_id"],
        kind="generate",
        task_id=task_id,
        title=N_("Judge: %(judge)s"),
        values={"judge": judge.name},
        spec={"judging": row["judging_id"]},
        by=by.person_id,
    )
    detail = {"judge": judge.judge_id, "runs": wanted, "judgements": planned}
    with audit.change(conn, actor=by.person_id, act="judging.started", subject=row["judging_id"], detail=detail):
        jobs.insert(conn, job)
        database.insert(conn, "judgings", [{**row, "planned": planned}])
    return job.job_id


def inputs(conn: duckdb.DuckDBPyConnection, judging_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the worker needs: the spec, and one item per call; the context ends with the passages that were shown."""
    judging = _judging(conn, judging_id)
    judge = judges.find(conn, judging["judge_id"])
    assert judge is not None, "a judging is saved after its judge"
    model = models.find(conn, judge.model_id)
    assert model is not None, "a judge is saved after its model"
    asked = _items(conn, judging)
    passages = retrieving.of_answers(conn, [item["answer_id"] for item in asked])
    items = [
        {
            "judgement_id": item["judgement_id"],
            "allowed": criteria.VERDICTS[judge.form],
            "messages": criteria.messages(
                judge,
                question=item["input"],
                context=shown.as_context(item["context"], passages.get(item["answer_id"], ())),
                reference=item["reference"],
                answers=tuple(item["texts"]),
            ),
        }
        for item in asked
    ]
    decoding = asdict(Decoding(max_new_tokens=judge.max_new_tokens, structured=True))
    spec = {"kind": "judge", "model": models.for_worker(conn, model), "model_id": model.model_id}
    return {**spec, "decoding": decoding}, items


def keep(conn: duckdb.DuckDBPyConnection, judging_id: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Store a worker's judgements; those that are there already are left alone. Returns how many were new."""
    known = {item["judgement_id"]: item for item in _items(conn, _judging(conn, judging_id))}
    query = "select judgement_id from judgements where judging_id = ?"
    there = {one for (one,) in conn.execute(query, [judging_id]).fetchall()}
    mine = {row["judgement_id"]: row for row in rows}
    new = [
        {**row, "judging_id": judging_id, **{column: known[name][column] for column in _PLACE}}
        for name, row in mine.items()
        if name in known and name not in there
    ]
    if new:
        with audit.change(
            conn, actor="worker", act="judgements.stored", subject=judging_id, detail={"judgements": len(new)}
        ):
            database.insert(conn, "judgements", new)
    return len(new)


_PLACE = ("answer_id", "other_answer_id", "swapped")


def _judging(conn: duckdb.DuckDBPyConnection, judging_id: str) -> dict[str, Any]:
    row = database.row(conn, "select * from judgings where judging_id = ?", [judging_id])
    assert row is not None, "a job is queued with its judging"
    return row


def _items(conn: duckdb.DuckDBPyConnection, judging: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per call; the same rows, with the same names, whenever it is asked. `texts` are in the order shown."""
    query = """
        select a.answer_id, o.answer_id as other_answer_id, a.text, o.text as other_text,
            p.input, p.context, p.reference
        from answers as a join samples as p using (sample_id)
        left join answers as o on o.run_id = $other and o.sample_id = a.sample_id and o.repeat = a.repeat
            and o.text is not null
        where a.run_id = $run and a.text is not null and ($other is null or o.text is not null)
        order by p.key, a.repeat
    """
    items = []
    for row in database.rows(conn, query, {"run": judging["run_id"], "other": judging["other_run_id"]}):
        texts = [row.pop("text"), row.pop("other_text")]
        orders = (False,) if judging["other_run_id"] is None else (False, True)
        for swapped in orders:
            shown = texts[:1] if len(orders) == 1 else texts[::-1] if swapped else texts
            named = content.name("judgement", [judging["judging_id"], row["answer_id"], swapped])
            items.append({**row, "judgement_id": named, "swapped": swapped, "texts": shown})
    return items


def of_judge(conn: duckdb.DuckDBPyConnection, judge_id: str) -> list[dict[str, Any]]:
    """What the judge was asked about, the newest first: the run's names, `planned`, `judged`, `failed`, `repaired`."""
    query = """
        select g.*, r.rung, r.split, r.model_id, m.name as model_name, s.name as set_name, o.rung as other_rung,
            om.name as other_model_name, count(j.judgement_id) as judged, count(j.failure) as failed,
            count(*) filter (j.repaired) as repaired
        from judgings as g join runs as r using (run_id) join models as m using (model_id)
        join eval_sets as s using (eval_set_id)
        left join runs as o on o.run_id = g.other_run_id left join models as om on om.model_id = o.model_id
        left join judgements as j on j.judging_id = g.judging_id
        where g.judge_id = ? group by all order by g.created_at desc
    """
    return database.rows(conn, query, [judge_id])


def verdicts(conn: duckdb.DuckDBPyConnection, judging_id: str) -> list[dict[str, Any]]:
    """One row per answer or pair: with its ids and texts, `verdict`, `failure`, `rationale`, and `human`.

    `human` is whether people passed the answer, None where they have not said.

    A pair's verdict is that of both orders together; its rationale is that of the straight one.
    """
    query = """
        select j.answer_id, p.key, p.sample_id, p.input, p.reference, a.text, o.text as other_text,
            any_value(j.verdict) filter (not swapped) as verdict, any_value(j.verdict) filter (swapped) as swapped,
            count(*) filter (swapped) as orders, any_value(j.failure) as failure,
            any_value(j.rationale) filter (not swapped) as rationale
        from judgements as j join answers as a using (answer_id) join samples as p using (sample_id)
        left join answers as o on o.answer_id = j.other_answer_id
        where j.judging_id = ? group by all order by p.key, j.answer_id
    """
    found, people = database.rows(conn, query, [judging_id]), labels(conn, judging_id)
    for row in found:
        swapped = row.pop("swapped")
        if row.pop("orders"):
            row["verdict"] = replies.both_orders(row["verdict"], swapped)
        row["human"] = None if row["other_text"] is not None else people.get(row["answer_id"])
    return found


def labels(conn: duckdb.DuckDBPyConnection, judging_id: str) -> dict[str, bool]:
    """People's verdict on the answers that were judged: what was decided where they differed, else that of most.

    An answer that as many passed as failed has none.
    """
    query = """
        with asked as (select distinct answer_id from judgements where judging_id = ?),
        said as (
            select answer_id, avg((verdict = 'pass')::integer) as passed from (
                select answer_id, arg_max(r.verdict, r.rating_id) as verdict
                from ratings as r join asked using (answer_id) group by answer_id, r.rater
            ) where verdict in ('pass', 'fail') group by answer_id
        ), decided as (
            select answer_id, verdict = 'pass' as passed from queue_decisions join asked using (answer_id)
            qualify row_number() over (partition by answer_id order by decision_id desc) = 1
        )
        select answer_id, coalesce(d.passed, s.passed > 0.5) as human
        from said as s left join decided as d using (answer_id) where d.passed is not null or s.passed <> 0.5
    """
    return {answer: bool(human) for answer, human in conn.execute(query, [judging_id]).fetchall()}


def counts(conn: duckdb.DuckDBPyConnection, judging_id: str) -> dict[str, int]:
    """How often each verdict was given; of a pair, by both orders together."""
    query = """
        with said as (
            select any_value(verdict) filter (not swapped) as verdict, any_value(verdict) filter (swapped) as swapped,
                count(*) filter (swapped) as orders
            from judgements where judging_id = ? group by answer_id, other_answer_id
        )
        select verdict, swapped, orders > 0 as both, count(*) as count from said group by all
    """
    found = Counter[str]()
    for row in database.rows(conn, query, [judging_id]):
        verdict = replies.both_orders(row["verdict"], row["swapped"]) if row["both"] else row["verdict"]
        if verdict is not None:
            found[verdict] += row["count"]
    return found
