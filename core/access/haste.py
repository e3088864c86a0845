"""Guessing is slow: after three wrong tries for a name within a quarter of an hour each further one must wait, twice as
long every time, and all names together have a limit a minute.
"""

from datetime import datetime, timedelta

import duckdb

from core.errors import Refusal
from core.store import database

FREE_FAILURES = 3
LONGEST_WAIT = 60
MEMORY = timedelta(minutes=15)
FAILURES_A_MINUTE = 30
"""For all names together: room for a morning of mistyping, far too little for guessing."""


def count(conn: duckdb.DuckDBPyConnection, name: str, *, succeeded: bool) -> None:
    """Remember a try for the name; for a caller inside a change."""
    conn.execute(
        "insert into sign_in_attempts (person_id, tried_at, succeeded) values (?, ?, ?)",
        [name, database.now(), succeeded],
    )


def slowed(conn: duckdb.DuckDBPyConnection) -> list[str]:
    """The names whose next wrong try has to wait; a name that nobody has begins with a question mark."""
    query = """
        select person_id from sign_in_attempts as a
        where not succeeded and tried_at > $since and tried_at > coalesce((
                select max(s.tried_at) from sign_in_attempts as s where s.person_id = a.person_id and s.succeeded
            ), $since)
        group by person_id having count(*) >= $free order by person_id
    """
    found = conn.execute(query, {"since": database.now() - MEMORY, "free": FREE_FAILURES}).fetchall()
    return [name for (name,) in found]


def refuse(conn: duckdb.DuckDBPyConnection, name: str) -> None:
    """Raises Refusal while it is too early for another try with this name."""
    now = database.now()
    counts = conn.execute(
        """
        with failures as (
            select person_id, tried_at from sign_in_attempts where not succeeded and tried_at > $since
        ), success as (
            select max(tried_at) as at_last from sign_in_attempts where person_id = $person_id and succeeded
        )
        select
            count(*) filter (person_id = $person_id and tried_at > coalesce((from success), $since)),
            max(tried_at) filter (person_id = $person_id),
            count(*) filter (tried_at > $minute),
            min(tried_at) filter (tried_at > $minute)
        from failures
        """,
        {"person_id": name, "since": now - MEMORY, "minute": now - timedelta(minutes=1)},
    ).fetchone()
    assert counts is not None
    failures, latest, recent, earliest = counts
    if failures >= FREE_FAILURES:
        wait = min(2 ** (failures - FREE_FAILURES + 1), LONGEST_WAIT)
        _refuse_until(latest + timedelta(seconds=wait), now)
    if recent >= FAILURES_A_MINUTE:
        _refuse_until(earliest + timedelta(minutes=1), now)


def _refuse_until(then: datetime, now: datetime) -> None:
    if then > now:
        seconds = int((then - now).total_seconds()) + 1
        raise Refusal("Too many wrong tries. Wait %(seconds)s seconds, then try again.", seconds=seconds)
