"""What the approved samples cover: each tag, and each kind of error that experts have corrected."""

from typing import Any

import duckdb

from core.store import database


def by_tag(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """One row a tag of the train samples: `tag`, `samples`, `approved`; the least covered first."""
    query = """
        with tagged as (select unnest(tags) as tag, sample_id from samples where task_id = ? and split = 'train')
        select t.tag, count(*) as samples, count(*) filter (d.decision = 'approved') as approved
        from tagged as t left join latest_approvals as d using (sample_id)
        group by t.tag order by approved / samples, t.tag
    """
    return database.rows(conn, query, [task_id])


def by_error_type(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """One row an error type that was found in train answers: `type`, `samples` with it, and how many are `approved`
    with a correction."""
    query = """
        with found as (
            select distinct unnest(r.error_types) as type, a.sample_id
            from latest_ratings as r join answers as a using (answer_id) join samples as p using (sample_id)
            where p.task_id = ? and p.split = 'train' and r.verdict = 'fail'
        )
        select f.type, count(*) as samples,
            count(*) filter (d.decision = 'approved' and d.origin = 'corrected') as approved
        from found as f left join latest_approvals as d using (sample_id) group by f.type order by samples desc, f.type
    """
    return database.rows(conn, query, [task_id])
