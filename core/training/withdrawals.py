"""Models that learned from a sample whose approval was taken back since: they stay, and are marked.

So is every model that was made from one of them: an adapter whose training went on from it, the folder that base and
adapter were merged into once it is registered here, and what is tuned on that folder.
"""

from typing import Any

import duckdb

from core.store import database


def by_model(conn: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    """model id -> the samples it learned whose approval does not stand any more, with `key`, who, when and why.

    `learned_by` is the name of the model whose training set held the sample: this one, or one that it was made from.
    A sample that was approved again with the same answer stands.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for row in database.rows(conn, _WITHDRAWN):
        found.setdefault(row["model_id"], []).append(row)
    return found


def learned_from(conn: duckdb.DuckDBPyConnection, sample_id: str) -> list[str]:
    """The models whose training set holds the sample, and those that were made from them."""
    query = """
        select distinct l.model_id from learned_through as l join models as m on m.model_id = l.learned_by
        join training_rows as r on r.training_set_id = m.lineage ->> 'training_set_id'
        where r.sample_id = ? order by l.model_id
    """
    return [row["model_id"] for row in database.rows(conn, query, [sample_id])]


_WITHDRAWN = """
    select l.model_id, m.name as learned_by, r.sample_id, s.key, s.input, d.decided_by, d.decided_at, d.reason
    from learned_through as l join models as m on m.model_id = l.learned_by
    join training_rows as r on r.training_set_id = m.lineage ->> 'training_set_id'
    join latest_approvals as d on d.sample_id = r.sample_id join samples as s on s.sample_id = r.sample_id
    where d.decision <> 'approved' or d.completion <> r.completion
    qualify row_number() over (
        partition by l.model_id, r.sample_id order by l.model_id <> l.learned_by, m.created_at desc
    ) = 1
    order by l.model_id, d.decided_at, s.key
"""
