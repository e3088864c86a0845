"""How far the audit trail was checked, and when: all of it at the start, the newest entries whenever somebody looks.

While this process runs nobody else can open the database (docs/decisions/0001), so an entry that was read and hashed
once need not be at every visit. Whoever wants to know can have all of them read again.
"""

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import duckdb

from core.store import anchors, audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found: every entry up to number `seq`, whose hash is `hash`, is as it was written.

    `bad` is the first entry that is not, None if all is well. The first `whole` entries were all read at `whole_at`
    (UTC), those behind them once each since then, the last ones at `at`.
    """

    seq: int
    hash: str
    bad: int | None
    whole: int
    whole_at: datetime
    at: datetime


_known: dict[str, Check] = {}
_one_at_a_time = threading.Lock()


def whole(conn: duckdb.DuckDBPyConnection) -> Check:
    """Read and hash every entry there is: 1,000,000 in a few seconds (docs/measurements.md)."""
    with _one_at_a_time:
        return _all(conn)


def newest(conn: duckdb.DuckDBPyConnection) -> Check:
    """Read and hash what came since the last check; everything, when its last entry is no longer what it was.

    What was found to be wrong stays so until `whole` finds it right.
    """
    with _one_at_a_time:
        before = _known.get(anchors.path_of(conn))
        if before is None or not _is_there(conn, before):
            return _all(conn)
        return before if before.bad is not None else _further(conn, before)


def known_bad(conn: duckdb.DuckDBPyConnection) -> int | None:
    """The first bad entry as far as checks have found one; reads no entry itself."""
    check = _known.get(anchors.path_of(conn))
    return check.bad if check else None


def _all(conn: duckdb.DuckDBPyConnection) -> Check:
    began = _now()
    found = _further(conn, Check(seq=0, hash=audit.START, bad=None, whole=0, whole_at=began, at=began))
    return _keep(conn, replace(found, whole=found.seq, whole_at=found.at))


def _further(conn: duckdb.DuckDBPyConnection, before: Check) -> Check:
    conn.begin()  # else an entry written meanwhile would be in the one and not in the other
    try:
        seq, digest = audit.head(conn)
        bad = audit.first_bad_entry(conn, (before.seq, before.hash))
    finally:
        conn.rollback()
    good = (seq, digest) if bad is None else (before.seq, before.hash)
    return _keep(conn, replace(before, seq=good[0], hash=good[1], bad=bad, at=_now()))


def _keep(conn: duckdb.DuckDBPyConnection, check: Check) -> Check:
    if path := anchors.path_of(conn):  # a database in memory has no name to be known by
        _known[path] = check
    return check


def _is_there(conn: duckdb.DuckDBPyConnection, check: Check) -> bool:
    found = conn.execute("select hash from audit_events where seq = ?", [check.seq]).fetchone()
    return check.seq == 0 or (found is not None and found[0] == check.hash)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
