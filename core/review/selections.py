"""Which answers of some runs are worth a rater's time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import duckdb

from core.store import database
from core.training import leakage

Choice = Literal["all", "failures", "disagreements", "critical", "differences"]
"""failures: below full marks in a metric. disagreements: raters said both pass and fail. critical: to samples marked
so. differences: where the runs' answers to a sample are not the same text."""

CHOICES: tuple[Choice, ...] = get_args(Choice)


def answers(
    conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str], choice: Choice = "all", metric: str = "correct"
) -> list[str]:
    """The ids of the runs' answers that were chosen, in a fixed order; failed calls are never among them."""
    values: dict[str, object] = {"runs": list(run_ids)}
    if choice == "failures":
        return _ids(conn, _FAILURES, {**values, "metric": metric})
    if choice == "disagreements":
        return _ids(conn, _DISAGREEMENTS, values)
    if choice == "critical":
        return _ids(conn, _CRITICAL, values)
    if choice == "differences":
        return _differences(conn, values)
    return _ids(conn, _ALL, values)


def metrics(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> list[str]:
    """The metrics that the runs' answers have a value in, by name."""
    query = """
        select distinct c.metric from answers as a join scores as c using (answer_id)
        where list_contains($runs, a.run_id) and c.value is not null order by c.metric
    """
    return [row["metric"] for row in database.rows(conn, query, {"runs": list(run_ids)})]


def _ids(conn: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object]) -> list[str]:
    return [row["answer_id"] for row in database.rows(conn, query, values)]


_ALL = "select answer_id from answers where list_contains($runs, run_id) and text is not null order by answer_id"
_FAILURES = """
    select distinct a.answer_id from answers as a join scores as c using (answer_id)
    where list_contains($runs, a.run_id) and a.text is not null and c.metric = $metric and c.value < 1
    order by a.answer_id
"""
_DISAGREEMENTS = """
    select a.answer_id from answers as a join latest_ratings as r using (answer_id)
    where list_contains($runs, a.run_id) group by a.answer_id
    having bool_or(r.verdict = 'pass') and bool_or(r.verdict = 'fail') order by a.answer_id
"""
_CRITICAL = """
    select a.answer_id from answers as a join samples as p using (sample_id)
    where list_contains($runs, a.run_id) and a.text is not null and p.critical order by a.answer_id
"""


def _differences(conn: duckdb.DuckDBPyConnection, values: Mapping[str, object]) -> list[str]:
    query = """
        select answer_id, sample_id, text from answers
        where list_contains($runs, run_id) and text is not null order by answer_id
    """
    by_sample: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in database.rows(conn, query, values):
        by_sample[row["sample_id"]].append(row)
    differing = [rows for rows in by_sample.values() if len({leakage.normal(row["text"]) for row in rows}) > 1]
    return sorted(row["answer_id"] for rows in differing for row in rows)


def sources(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's runs that have answers, the newest first: what was asked, of which model, and how many `answers`."""
    query = """
        select r.run_id, r.purpose, r.rung, r.split, r.side, r.created_at, r.eval_set_id, s.name as set_name, s.version,
            p.name as prompt_name, m.name as model_name, count(*) as answers
        from runs as r join eval_sets as s using (eval_set_id) join prompts as p using (prompt_id)
        join models as m using (model_id) join answers as a using (run_id)
        where r.task_id = ? and a.text is not null
        group by all order by r.created_at desc, r.rung
    """
    return database.rows(conn, query, [task_id])
