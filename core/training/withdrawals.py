"""Models that learned from a sample whose approval was taken back since: they stay, and are marked."""

from typing import Any

import duckdb

from core.store import database


def by_model(conn: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    """model id -> the samples it learned whose approval does not stand any more, with `key`, who, when and why.

    A sample that was approved again with the same answer stands.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for row in database.rows(conn, _WITHDRAWN):
        found.setdefault(row["model_id"], []).append(row)
    return found


def learned_from(conn: duckdb.DuckDBPyConnection, sample_id: str) -> list[str]:
    """The models whose training set holds the sample."""
    query = """
        select distinct m.model_id from models as m
        join training_rows as r on r.training_set_id = m.lineage ->> 'training_set_id'
        where m.kind = 'adapter' and r.sample_id = ? order by m.model_id
    """
    return [row["model_id"] for row in database.rows(conn, query, [sample_id])]


_WITHDRAWN = """
    select m.model_id, r.sample_id, s.key, s.input, d.decided_by, d.decided_at, d.reason
    from models as m join training_rows as r on r.training_set_id = m.lineage ->> 'training_set_id'
    join latest_approvals as d on d.sample_id = r.sample_id join samples as s on s.sample_id = r.sample_id
    where m.kind = 'adapter' and (d.decision <> 'approved' or d.completion <> r.completion)
    order by m.model_id, d.decided_at
"""
