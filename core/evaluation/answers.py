"""Answers one by one: what a run's model said to each sample, and why some calls gave no answer."""

from collections.abc import Sequence
from typing import Any

import duckdb

from core.store import database


def of_run(conn: duckdb.DuckDBPyConnection, run_id: str) -> list[dict[str, Any]]:
    """One row per answer in the set's order: `key`, `input`, `reference`, `text` or `failure`, `value` and `reason`.

    `value` is that of the scorer's leading metric, in 0..1; None where nothing could be compared.
    """
    query = """
        select p.key, p.input, p.reference, a.repeat, a.text, a.failure, c.value, coalesce(c.reason, '') as reason
        from runs as r join answers as a using (run_id) join samples as p using (sample_id)
        join eval_set_samples as m on m.eval_set_id = r.eval_set_id and m.sample_id = p.sample_id
        left join scores as c on c.answer_id = a.answer_id and c.metric in ('correct', 'overlap')
        where r.run_id = ? order by m.position, a.repeat
    """
    return database.rows(conn, query, [run_id])


def failures(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """How often each reason for a failed call occurred, per rung: `rung`, `failure`, `count`; the commonest first."""
    query = """
        select r.rung, a.failure, count(*) as count from answers as a join runs as r using (run_id)
        where list_contains($runs, run_id) and failure is not null group by all order by count desc, r.rung, failure
    """
    return database.rows(conn, query, {"runs": list(run_ids)})


def texts(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> int:
    """How many answers with a text the runs have so far."""
    query = "select count(*) from answers where list_contains($runs, run_id) and text is not null"
    found = conn.execute(query, {"runs": list(run_ids)}).fetchone()
    return int(found[0]) if found else 0
