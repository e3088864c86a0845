"""The audit trail: every change of state is an event in the same transaction, chained by hash and anchored outside."""

import errno
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import duckdb

from core import content
from core.errors import Refusal
from core.store import anchors

START = "0" * 64
"""What the first event has in place of a previous hash."""

AT_ONCE = 100_000
"""So many entries are hashed in one query: 50 MB, and a third of a second on two cores."""

_writer = threading.Lock()  # sequence numbers have no gaps only if one transaction writes at a time


@contextmanager
def change(
    conn: duckdb.DuckDBPyConnection, *, actor: str, act: str, subject: str, detail: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """One change of state: the body's statements and its event are committed together, or neither is.

    Yields the event's detail, to which the body may add. Raises Refusal when the disk is full.
    """
    written: dict[str, Any] = dict(detail or {})
    with _writer:
        conn.begin()
        try:
            yield written
            written_head = _append(conn, actor, act, subject, written)
            conn.commit()
        except BaseException as error:
            _roll_back(conn)
            if disk_is_full(error):
                raise Refusal("The disk is full, so nothing was saved. Free some space and try again.") from error
            raise
        anchors.write(conn, written_head)


@contextmanager
def alone() -> Iterator[None]:
    """Nobody else writes meanwhile. For the little that is no act of anybody, such as when a session was last used."""
    with _writer:
        yield


def _append(conn: duckdb.DuckDBPyConnection, actor: str, act: str, subject: str, detail: dict[str, Any]) -> Any:
    last = head(conn)
    event = {
        "seq": last[0] + 1,
        "at": datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds"),
        "actor": actor,
        "act": act,
        "subject": subject,
        "detail": detail,
        "previous_hash": last[1],
    }
    event["hash"] = content.digest(event)
    conn.execute(
        """
        insert into audit_events (seq, happened_at, actor, act, subject, detail, previous_hash, hash)
        values ($seq, $at, $actor, $act, $subject, $detail, $previous_hash, $hash)
        """,
        {**event, "detail": content.canonical(detail)},
    )
    return {"seq": event["seq"], "hash": event["hash"], "at": event["at"]}


def _roll_back(conn: duckdb.DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):  # a failed commit has already rolled back
        conn.rollback()


def disk_is_full(error: BaseException) -> bool:
    """Whether the operating system had no room, said by itself or through DuckDB."""
    full = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)  # no room, larger than a file may be, quota used up
    if isinstance(error, OSError):
        return error.errno in full
    return isinstance(error, duckdb.Error) and any(os.strerror(number) in str(error) for number in full)


def head(conn: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    """Number and hash of the newest entry; 0 and START in an empty trail."""
    # Not "order by seq desc limit 1": with 1,000,000 entries that takes four times as long, at every act.
    query = "select seq, hash from audit_events where seq = (select max(seq) from audit_events)"
    found = conn.execute(query).fetchone()
    return (int(found[0]), str(found[1])) if found else (0, START)


def first_bad_entry(conn: duckdb.DuckDBPyConnection, after: tuple[int, str] = (0, START)) -> int | None:
    """The sequence number of the first entry whose hash or place in the chain is wrong; None if all is well.

    `after` is the number and hash of an entry that is known to be good; those behind it are looked at. The database
    hashes them all, which leaves the pages their turn meanwhile; what it would call wrong is judged here, where the
    canonical text is made as it was when the entry was written.
    """
    start, previous = after
    newest = head(conn)[0]
    if start == 0 and conn.execute("select 1 from audit_events where seq < 1 limit 1").fetchone():
        return 1
    while start < newest:
        end = min(start + AT_ONCE, newest)
        found = conn.execute(_SUSPECTS, {"start": start, "end": end, "previous": previous}).fetchall()
        for seq, expected, linked, *entry in found:
            if seq != expected or not linked or not _is_as_written(seq, *entry):
                return int(expected)
        query = "select seq, hash from audit_events where seq > ? and seq <= ? order by seq desc limit 1"
        last = conn.execute(query, [start, end]).fetchone() or (start, previous)
        if last[0] < end:  # the stretch lacks its end, which the next entry there is would show, wherever that is
            return int(last[0]) + 1
        start, previous = end, str(last[1])
    return None


_SUSPECTS = """
    with chain as (
        select *, coalesce(lag(seq) over (order by seq), $start) + 1 as expected,
            previous_hash = coalesce(lag(hash) over (order by seq), $previous) as linked
        from audit_events where seq > $start and seq <= $end
    )
    select seq, expected, linked, happened_at, actor, act, subject, detail, previous_hash, hash from chain
    where seq <> expected or not linked or hash <> sha256(
        '{"act":' || to_json(act) || ',"actor":' || to_json(actor)
        || ',"at":"' || strftime(happened_at, '%Y-%m-%dT%H:%M:%S.%f') || '","detail":' || detail
        || ',"previous_hash":"' || previous_hash || '","seq":' || seq || ',"subject":' || to_json(subject) || '}')
    order by seq
"""


def _is_as_written(
    seq: int, at: datetime, actor: str, act: str, subject: str, detail: str, previous_hash: str, written: str
) -> bool:
    event = {"seq": seq, "at": at.isoformat(timespec="microseconds"), "actor": actor, "act": act, "subject": subject}
    try:
        return content.digest({**event, "detail": json.loads(detail), "previous_hash": previous_hash}) == written
    except ValueError:  # no JSON that this program writes
        return False
