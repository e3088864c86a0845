"""The audit trail as people read it: newest entries first, filtered, and as a file to keep elsewhere."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from core import content
from core.store import database


def entries(
    conn: duckdb.DuckDBPyConnection,
    *,
    before: int | None = None,
    act: str | None = None,
    actor: str | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """The newest entries older than number `before`, of one act or actor if asked for; `detail` is JSON text."""
    query = """
        select seq, happened_at, actor, act, subject, detail, previous_hash, hash from audit_events
        where ($before is null or seq < $before) and ($act is null or act = $act)
            and ($actor is null or actor = $actor)
        order by seq desc limit $limit
    """
    return database.rows(conn, query, {"before": before, "act": act, "actor": actor, "limit": limit})


def head(conn: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    """The newest entry, on which all others hang; None in an empty trail."""
    return next(iter(entries(conn, limit=1)), None)


def acts(conn: duckdb.DuckDBPyConnection) -> list[str]:
    """Every act that has happened."""
    return [act for (act,) in conn.execute("select distinct act from audit_events order by act").fetchall()]


def actors(conn: duckdb.DuckDBPyConnection) -> list[str]:
    """Everybody who has acted: people's ids, and the names that the program acts under."""
    return [actor for (actor,) in conn.execute("select distinct actor from audit_events order by actor").fetchall()]


def lines(conn: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The whole trail, the oldest entry first, one JSON text a line.

    A line without its `hash`, written as `content.canonical` writes it, hashes to that `hash` with SHA-256.
    """
    query = "select seq, happened_at, actor, act, subject, detail, previous_hash, hash from audit_events order by seq"
    result = conn.execute(query)
    while row := result.fetchone():
        seq, at, actor, act, subject, detail, previous_hash, written = row
        event = {"seq": seq, "at": at.isoformat(timespec="microseconds"), "actor": actor, "act": act}
        event |= {"subject": subject, "detail": json.loads(detail), "previous_hash": previous_hash}
        yield content.canonical({**event, "hash": written}) + "\n"
