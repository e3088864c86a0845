"""The worse answer to hold an approved one against, where people or a comparison have shown one."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from core.store import database


def of(conn: duckdb.DuckDBPyConnection, approved: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """sample id -> the worse answer, for those approved samples (`approvals.approved`) that have one.

    To a corrected answer it is the original; to a teacher's, what the student said; to one that won a blind comparison
    in a round that is locked, what it won against. An answer is never its own opposite.
    """
    students = _of_students(conn, sorted({row["student_run_id"] for row in approved if row["student_run_id"]}))
    beaten = _beaten(conn, [row["sample_id"] for row in approved])
    found = {}
    for row in approved:
        said = row["completion"].strip()
        worse = [
            row["answer"] if row["origin"] == "corrected" else None,
            students.get((row["student_run_id"], row["sample_id"])),
            *(lost for won, lost in beaten.get(row["sample_id"], ()) if won.strip() == said),
        ]
        if text := next((one for one in worse if one and one.strip() and one.strip() != said), None):
            found[row["sample_id"]] = text
    return found


def _of_students(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[tuple[str, str], str]:
    query = """
        select run_id, sample_id, text from answers
        where list_contains($runs, run_id) and text is not null and repeat = 0
    """
    rows = conn.execute(query, {"runs": list(run_ids)}).fetchall() if run_ids else []
    return {(run_id, sample): text for run_id, sample, text in rows}


def _beaten(conn: duckdb.DuckDBPyConnection, sample_ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """sample id -> (winner, loser) of each pair that more people decided one way than the other, the clearest first."""
    query = """
        with said as (
            select pair_id, count(*) filter (choice = 'left') - count(*) filter (choice = 'right') as ahead
            from latest_preferences as m join rounds as r using (round_id)
            where r.locked_at is not null and choice in ('left', 'right') group by pair_id
        )
        select p.sample_id, if(ahead > 0, l.text, g.text) as won, if(ahead > 0, g.text, l.text) as lost
        from said join pairs as p using (pair_id) join answers as l on l.answer_id = p.left_answer
        join answers as g on g.answer_id = p.right_answer
        where ahead <> 0 and list_contains($samples, p.sample_id) order by abs(ahead) desc, p.pair_id
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for row in database.rows(conn, query, {"samples": list(sample_ids)}):
        found.setdefault(row["sample_id"], []).append((row["won"], row["lost"]))
    return found
