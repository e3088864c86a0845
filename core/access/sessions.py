"""Who is signed in: a random token in the browser's cookie, its hash in the database, an end on the server.

A session ends when it is old, and when nobody has used it for a while; Settings say when. A page that refreshes itself
does not count as use.
"""

import hashlib
import secrets
from datetime import timedelta

import duckdb

from core.access.people import Person
from core.settings import IDLE, LIFETIME
from core.store import audit, database

COOKIE = "countersign"
MINUTE = timedelta(minutes=1)


def fingerprint(token: str) -> str:
    """SHA-256 of the token, in hex: all that is ever stored of it. Random tokens need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def start(conn: duckdb.DuckDBPyConnection, person: Person, *, lifetime: timedelta = LIFETIME) -> str:
    """Sign the person in; returns the token for the cookie, which exists nowhere else."""
    token, now = secrets.token_urlsafe(32), database.now()
    with audit.change(conn, actor=person.person_id, act="session.started", subject=fingerprint(token)[:16]):
        row = {"token_hash": fingerprint(token), "person_id": person.person_id, "created_at": now, "seen_at": now}
        database.insert(conn, "sessions", [{**row, "expires_at": now + lifetime}])
    return token


def person_of(conn: duckdb.DuckDBPyConnection, token: str | None, *, idle: timedelta = IDLE) -> Person | None:
    """The active person whose session this is; None when it has ended, expired or lain idle, or never was."""
    if not token:
        return None
    now = database.now()
    found = conn.execute(
        """
        select person_id, name, roles from sessions as s join people using (person_id)
        where token_hash = $token_hash and ended_at is null and expires_at > $now
            and coalesce(seen_at, s.created_at) > $since and active
        """,
        {"token_hash": fingerprint(token), "now": now, "since": now - idle},
    ).fetchone()
    return Person(person_id=found[0], name=found[1], roles=frozenset(found[2])) if found else None


def used(conn: duckdb.DuckDBPyConnection, token: str) -> None:
    """The person has just done something, so the session does not lie idle. Kept to the minute."""
    now, token_hash = database.now(), fingerprint(token)
    query = "select 1 as one from sessions where token_hash = ? and coalesce(seen_at, created_at) < ?"
    if database.row(conn, query, [token_hash, now - MINUTE]) is None:
        return
    with audit.alone():
        conn.execute("update sessions set seen_at = ? where token_hash = ? and ended_at is null", [now, token_hash])


def end(conn: duckdb.DuckDBPyConnection, token: str | None) -> None:
    """Sign out: the token is worthless from now on, in whatever browser. Nothing happens if it already was."""
    person = person_of(conn, token)
    if token is None or person is None:
        return
    with audit.change(conn, actor=person.person_id, act="session.ended", subject=fingerprint(token)[:16]):
        conn.execute(
            "update sessions set ended_at = ? where token_hash = ? and ended_at is null",
            [database.now(), fingerprint(token)],
        )
