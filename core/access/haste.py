"""Guessing is slow: after three wrong tries for a name within a quarter of an hour each further one must wait, twice as
long every time; ten in a row lock the name for a quarter of an hour; and all names together have a limit a minute.

A name that nobody has is slowed and locked like one that somebody has.
"""

from datetime import datetime, timedelta
from typing import Any

import duckdb

from core.errors import Refusal
from core.locale.mark import N_
from core.store import database

FREE_FAILURES = 3
LONGEST_WAIT = 60
MEMORY = timedelta(minutes=15)
FAILURES_A_MINUTE = 30
"""For all names together: room for a morning of mistyping, far too little for guessing."""

LOCKED_AFTER = 10
"""Wrong tries in a row, over a day; each further one locks anew."""
LOCKED_FOR = timedelta(minutes=15)
IN_A_ROW = timedelta(days=1)

LOCKED = N_(
    "Too many wrong tries in a row, so this name is locked for another %(minutes)s minutes. Wait, or ask an admin to "
    "unlock it."
)


def count(conn: duckdb.DuckDBPyConnection, name: str, *, succeeded: bool) -> None:
    """Remember a try for the name; for a caller inside a change."""
    conn.execute(
        "insert into sign_in_attempts (person_id, tried_at, succeeded) values (?, ?, ?)",
        [name, database.now(), succeeded],
    )


def forgive(conn: duckdb.DuckDBPyConnection, name: str, *, by: str) -> None:
    """Wrong tries up to now count no more, so the name is not locked; for a caller inside a change."""
    conn.execute("insert into unlocks values (?, ?, ?)", [name, by, database.now()])


def slowed(conn: duckdb.DuckDBPyConnection) -> list[str]:
    """The names whose next wrong try has to wait; a name that nobody has begins with a question mark."""
    query = """
        select person_id from wrong_in_a_row where tried_at > $since
        group by person_id having count(*) >= $free order by person_id
    """
    found = conn.execute(query, {"since": database.now() - MEMORY, "free": FREE_FAILURES}).fetchall()
    return [name for (name,) in found]


def locked(conn: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """Name -> until when (UTC) it is locked; a name that nobody has begins with a question mark."""
    now = database.now()
    query = """
        select person_id, max(tried_at) as latest from wrong_in_a_row where tried_at > $day
        group by person_id having count(*) >= $many and latest > $since order by person_id
    """
    found = conn.execute(query, {"day": now - IN_A_ROW, "many": LOCKED_AFTER, "since": now - LOCKED_FOR}).fetchall()
    return {name: latest + LOCKED_FOR for name, latest in found}


def refuse(conn: duckdb.DuckDBPyConnection, name: str) -> None:
    """Raises Refusal while it is too early for another try with this name."""
    now = database.now()
    if until := locked(conn).get(name):
        raise Refusal(LOCKED, minutes=int((until - now).total_seconds() / 60) + 1)
    own = _wrong(conn, "select tried_at from wrong_in_a_row where person_id = ? and tried_at > ?", [name, now - MEMORY])
    if len(own) >= FREE_FAILURES:
        wait = min(2 ** (len(own) - FREE_FAILURES + 1), LONGEST_WAIT)
        _refuse_until(max(own) + timedelta(seconds=wait), now)
    minute = [now - timedelta(minutes=1)]
    every = _wrong(conn, "select tried_at from sign_in_attempts where not succeeded and tried_at > ?", minute)
    if len(every) >= FAILURES_A_MINUTE:
        _refuse_until(min(every) + timedelta(minutes=1), now)


def _wrong(conn: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> list[datetime]:
    return [tried_at for (tried_at,) in conn.execute(query, values).fetchall()]


def _refuse_until(then: datetime, now: datetime) -> None:
    if then > now:
        seconds = int((then - now).total_seconds()) + 1
        raise Refusal("Too many wrong tries. Wait %(seconds)s seconds, then try again.", seconds=seconds)
