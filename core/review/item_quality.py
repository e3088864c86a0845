"""Which samples tell nothing of a version: from the scores of every version that answered, and from raters."""

from typing import Any

import duckdb

from core.diagnosis import items
from core.diagnosis.items import Items, Kind
from core.store import database


def of_task(
    conn: duckdb.DuckDBPyConnection, task_id: str, metric: str, limit: int = 500
) -> tuple[Items, dict[Kind, list[dict[str, Any]]]]:
    """How many of the task's samples are of each kind, and the first of each kind by their keys.

    Rows have `key`, `input`, `reference`, `part` (split), `versions`, `share`, `with_rest`. Answers of a trial's proof
    are left out: they may be hidden.
    """
    query = """
        with found as materialized (
            from item_quality($task, $metric, $fewest)
        ), counts as (
            select count(*) filter (versions >= $fewest) as answered, count(*) filter (judged > 0) as judged,
                count(*) filter (always_pass) as always_pass, count(*) filter (always_fail) as always_fail,
                count(*) filter (split) as split
            from found
        ), kinds as (
            select sample_id, versions, share, with_rest, unnest($kinds) as kind,
                unnest([always_pass, always_fail, split]) as it
            from found
        ), first as (
            select k.* exclude (it), p.key from kinds as k join samples as p using (sample_id) where it
            qualify row_number() over (partition by k.kind order by p.key) <= $limit
        )
        select c.*, f.*, p.input, p.reference, p.split as part
        from counts as c left join (first as f join samples as p using (sample_id)) on true order by f.key
    """
    asked = {"task": task_id, "metric": metric, "fewest": items.FEWEST_VERSIONS, "kinds": items.KINDS, "limit": limit}
    rows = database.rows(conn, query, asked)
    counts: dict[Kind, int] = {kind: rows[0][kind] for kind in items.KINDS}
    found = items.judge(counts, answered=rows[0]["answered"], judged=rows[0]["judged"])
    return found, {kind: [row for row in rows if row["kind"] == kind] for kind in items.KINDS}
