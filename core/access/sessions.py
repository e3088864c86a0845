"""Who is signed in: a random token in the browser's cookie, its hash in the database, an end on the server."""

import hashlib
import secrets
from datetime import timedelta

import duckdb

from core.access.people import Person
from core.store import audit, database

COOKIE = "countersign"
LIFETIME = timedelta(days=14)


def fingerprint(token: str) -> str:
    """SHA-256 of the token, in hex: all that is ever stored of it. Random tokens need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def start(conn: duckdb.DuckDBPyConnection, person: Person) -> str:
    """Sign the person in; returns the token for the cookie, which exists nowhere else."""
    token, now = secrets.token_urlsafe(32), database.now()
    with audit.change(conn, actor=person.person_id, act="session.started", subject=fingerprint(token)[:16]):
        conn.execute(
            "insert into sessions (token_hash, person_id, created_at, expires_at) values (?, ?, ?, ?)",
            [fingerprint(token), person.person_id, now, now + LIFETIME],
        )
    return token


def person_of(conn: duckdb.DuckDBPyConnection, token: str | None) -> Person | None:
    """The active person whose session this is; None when it has ended or expired, or never was."""
    if not token:
        return None
    found = conn.execute(
        """
        select person_id, name, roles from sessions join people using (person_id)
        where token_hash = $token_hash and ended_at is null and expires_at > $now and active
        """,
        {"token_hash": fingerprint(token), "now": database.now()},
    ).fetchone()
    return Person(person_id=found[0], name=found[1], roles=frozenset(found[2])) if found else None


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
