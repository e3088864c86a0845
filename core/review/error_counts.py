"""How often raters gave each error type, over the answers that failed."""

import duckdb


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> tuple[int, dict[str, int]]:
    """How many answers at least one rater failed with an error type, and how many of them have each type.

    The unit is the answer: a type counts once, however many raters gave it.
    """
    query = """
        with failed as (
            select r.answer_id, r.error_types from latest_ratings as r join answers as a using (answer_id)
            join samples as p using (sample_id)
            where p.task_id = ? and r.verdict = 'fail' and len(r.error_types) > 0
        ), typed as (select distinct answer_id, unnest(error_types) as kind from failed)
        select kind, count(*), (select count(distinct answer_id) from failed) from typed group by kind order by 2 desc
    """
    rows = conn.execute(query, [task_id]).fetchall()
    return (int(rows[0][2]) if rows else 0), {kind: int(count) for kind, count, _ in rows}
