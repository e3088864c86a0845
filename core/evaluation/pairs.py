"""Concept and practice pairs: the runs that asked them, and what each pair's two questions came to."""

from typing import Any

import duckdb

from core.diagnosis import probe
from core.diagnosis.probe import Probe
from core.evaluation.tasks import Task
from core.store import database


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The complete runs that asked pairs, newest first and of one ladder the last
    prompt, which says most; with `model_name`, `set_name` and `prompt_name`."""
    query = """
        select r.*, m.name as model_name, s.name as set_name, p.name as prompt_name
        from runs as r join models as m using (model_id) join eval_sets as s using (eval_set_id)
        join prompts as p using (prompt_id) join jobs as j using (job_id)
        where r.task_id = $task and r.purpose in ('ladder', 'matrix')
            and r.planned <= (select count(*) from answers as a where a.run_id = r.run_id)
            and exists (
                from eval_set_samples as e join samples as q using (sample_id)
                where e.eval_set_id = r.eval_set_id and q.split = r.split and q.kind = 'concept' and q.pair <> ''
            )
        order by j.number desc, r.rung desc
    """
    return database.rows(conn, query, {"task": task_id})


def values(conn: duckdb.DuckDBPyConnection, run_id: str, metric: str) -> dict[str, tuple[float, float]]:
    """pair -> the values of its concept and its practice questions, each averaged; pairs with both sides only."""
    query = """
        with found as (
            select p.pair, sum(v.value * v.n) filter (p.kind = 'concept') / sum(v.n) filter (p.kind = 'concept')
                as concept, sum(v.value * v.n) filter (p.kind = 'practice') / sum(v.n) filter (p.kind = 'practice')
                as practice
            from values_of([$run], $metric) as v join samples as p using (sample_id) where p.pair <> '' group by p.pair
        )
        from found where concept is not null and practice is not null order by pair
    """
    found = database.rows(conn, query, {"run": run_id, "metric": metric})
    return {row["pair"]: (row["concept"], row["practice"]) for row in found}


def judge(conn: duckdb.DuckDBPyConnection, task: Task, run_id: str) -> Probe:
    """What the run's pairs say, by the plan's metric; pairs whose cases share a group are not independent."""
    found = values(conn, run_id, task.plan.metric)
    query = """
        select pair, min(group_id)
        from runs as r join eval_set_samples using (eval_set_id) join samples using (sample_id)
        where r.run_id = ? and pair <> '' and kind = 'practice' group by pair
    """
    groups = dict(conn.execute(query, [run_id]).fetchall())
    return probe.judge(found, target=task.target, groups=[groups.get(pair, pair) for pair in found])


def questions(conn: duckdb.DuckDBPyConnection, run_id: str, pair: str) -> list[dict[str, Any]]:
    """The questions of one pair, concept first: `kind`, `input`, `reference`, `text` (None where the call failed)."""
    query = """
        select p.kind, p.input, p.reference, a.text
        from answers as a join samples as p using (sample_id)
        where a.run_id = $run and p.pair = $pair and a.repeat = 0 order by p.kind, p.key
    """
    return database.rows(conn, query, {"run": run_id, "pair": pair})
