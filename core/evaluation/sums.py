"""What complete runs come to for each sample, counted once: means over repeats, and whether the repeats are alike.

Proofs are left out: what is signed is counted from the scores themselves, which the signature is bound to.
"""

from collections.abc import Sequence

import duckdb

from core.evaluation import repeats
from core.store import audit, database

PURPOSES = ("ladder", "matrix")
"""Runs that pages look at again and again."""


def keep(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> None:
    """Count those of the runs that are complete, anew if need be; in the transaction that changed answers or scores."""
    touched = {"runs": list(run_ids)}
    query = """
        select run_id from runs as r join answers as a using (run_id)
        where run_id in (select unnest($runs)) and list_contains($purposes, r.purpose)
        group by run_id, r.planned having count(*) >= r.planned order by run_id
    """
    found = conn.execute(query, touched | {"purposes": list(PURPOSES)}).fetchall()
    complete = {"runs": [run_id for (run_id,) in found]}
    conn.execute("delete from sample_values where list_contains($runs, run_id)", touched)
    conn.execute("delete from sample_repeats where list_contains($runs, run_id)", touched)
    conn.execute(
        "delete from summed_runs where list_contains($runs, run_id) and not list_contains($complete, run_id)",
        touched | {"complete": complete["runs"]},
    )
    if not complete["runs"]:
        return
    conn.execute("insert into sample_values by name from values_now($runs, null) order by all", complete)
    with database.offered(conn, repeats.of_samples(conn, complete["runs"])):
        conn.execute("insert into sample_repeats by name from incoming")
    conn.execute("insert or ignore into summed_runs select unnest($runs)", complete)


def catch_up(conn: duckdb.DuckDBPyConnection) -> int:
    """Count the complete runs that were never counted, such as those of an earlier version; returns how many."""
    query = """
        select run_id from runs as r join answers as a using (run_id)
        where list_contains($purposes, r.purpose) and run_id not in (select run_id from summed_runs)
        group by run_id, r.planned having count(*) >= r.planned order by run_id
    """
    late = [run_id for (run_id,) in conn.execute(query, {"purposes": list(PURPOSES)}).fetchall()]
    for run_id in late:
        with audit.alone():  # no act of anybody: the numbers are the same before and after
            conn.begin()
            try:
                keep(conn, [run_id])
                conn.commit()
            except BaseException:
                conn.rollback()
                raise
    return len(late)
