"""The audit trail as people read it: newest entries first, filtered, and as a file to keep elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from core.store import audit, database

AT_ONCE = 5000
"""Entries of an export that are read in one query: a few MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries: of one act, by one actor, on one subject, from a moment on (UTC), and before another."""

    act: str | None = None
    actor: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = Filter()


def entries(
    conn: duckdb.DuckDBPyConnection, chosen: Filter = EVERYTHING, *, before: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """The newest entries older than number `before` that the filter lets through; `detail` is JSON text."""
    # The numbers first, from few and narrow columns; then the whole rows of those few.
    query = """
        select seq, happened_at, actor, act, subject, detail, previous_hash, hash from audit_events
        where seq in (
            select seq from audit_events
            where ($before is null or seq < $before) and ($act is null or act = $act)
                and ($actor is null or actor = $actor) and ($subject is null or subject = $subject)
                and ($since is null or happened_at >= $since) and ($until is null or happened_at < $until)
            order by seq desc limit $limit
        ) order by seq desc
    """
    values = {name: getattr(chosen, name) for name in Filter.__slots__}
    return database.rows(conn, query, {**values, "before": before, "limit": limit})


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
    """The whole trail as it is now, the oldest entry first, one JSON text a line, many lines at a time.

    A line without its `hash`, written as `content.canonical` writes it, hashes to that `hash` with SHA-256.
    """
    newest, start = audit.head(conn)[0], 0
    while start < newest:
        values = {"start": start, "end": min(start + AT_ONCE, newest)}  # not a limit, for which all would be sorted
        yield "".join(line for (line,) in conn.execute(_LINES, values).fetchall())
        start = _before_next(conn, values["end"])


def _before_next(conn: duckdb.DuckDBPyConnection, seq: int) -> int:
    """The number before the next entry behind `seq`, which is `seq` itself unless entries are missing."""
    found = conn.execute("select min(seq) - 1 from audit_events where seq > ?", [seq]).fetchone()
    return seq if found is None or found[0] is None else int(found[0])


_LINES = """
    select '{"act":' || to_json(act) || ',"actor":' || to_json(actor)
        || ',"at":"' || strftime(happened_at, '%Y-%m-%dT%H:%M:%S.%f') || '","detail":' || detail
        || ',"hash":"' || hash || '","previous_hash":"' || previous_hash || '","seq":' || seq
        || ',"subject":' || to_json(subject) || '}\n' as line
    from audit_events where seq > $start and seq <= $end order by seq
"""
