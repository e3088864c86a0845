"""Which samples tell nothing of a version: from the scores of every version that answered, and from raters."""

from typing import Any

import duckdb

from core.diagnosis import items
from core.diagnosis.items import Items, Kind
from core.store import database


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str, metric: str) -> Items:
    """How many of the task's samples are of each kind. Answers of a trial's proof are left out: they may be hidden."""
    query = """
        select count(*) filter (versions >= $fewest) as answered, count(*) filter (judged > 0) as judged,
            count(*) filter (always_pass) as always_pass, count(*) filter (always_fail) as always_fail,
            count(*) filter (split) as split
        from item_quality($task, $metric, $fewest)
    """
    row = database.row(conn, query, _asked(task_id, metric))
    assert row is not None, "counting gives a row"
    counts: dict[Kind, int] = {kind: row[kind] for kind in items.KINDS}
    return items.judge(counts, answered=row["answered"], judged=row["judged"])


def rows(
    conn: duckdb.DuckDBPyConnection, task_id: str, metric: str, kind: Kind, limit: int = 500
) -> list[dict[str, Any]]:
    """The samples of that kind: `key`, `input`, `reference`, `part` (split), `versions`, `share`, `with_rest`."""
    query = """
        select f.*, p.key, p.input, p.reference, p.split as part
        from item_quality($task, $metric, $fewest) as f join samples as p using (sample_id)
        where case $kind when 'always_pass' then f.always_pass when 'always_fail' then f.always_fail else f.split end
        order by p.key limit $limit
    """
    return database.rows(conn, query, {**_asked(task_id, metric), "kind": kind, "limit": limit})


def _asked(task_id: str, metric: str) -> dict[str, Any]:
    return {"task": task_id, "metric": metric, "fewest": items.FEWEST_VERSIONS}
