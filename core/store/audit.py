"""The audit trail: every change of state is an event in the same transaction, chained by hash.

A chain alone cannot see a cut tail, and DuckDB opens a file whose log was cut without a word. So the head (sequence
number and hash) is also appended to a file outside the database after every commit, and compared at start-up.
"""

import errno
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from core import content
from core.errors import Refusal

START = "0" * 64
"""What the first event has in place of a previous hash."""

_writer = threading.Lock()  # sequence numbers have no gaps only if one transaction writes at a time
_anchors: dict[str, Path] = {}


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
            head = _append(conn, actor, act, subject, written)
            conn.commit()
        except BaseException as error:
            _roll_back(conn)
            if _disk_is_full(error):
                raise Refusal("The disk is full, so nothing was saved. Free some space and try again.") from error
            raise
        _write_anchor(conn, head)


def _append(conn: duckdb.DuckDBPyConnection, actor: str, act: str, subject: str, detail: dict[str, Any]) -> Any:
    last = conn.execute("select seq, hash from audit_events order by seq desc limit 1").fetchone() or (0, START)
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


def _disk_is_full(error: BaseException) -> bool:
    full = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)  # no room, larger than a file may be, quota used up
    if isinstance(error, OSError):
        return error.errno in full
    return isinstance(error, duckdb.Error) and any(os.strerror(number) in str(error) for number in full)


def _path_of(conn: duckdb.DuckDBPyConnection) -> str:
    found = conn.execute("select path from duckdb_databases() where database_name = current_database()").fetchone()
    return str(found[0]) if found and found[0] else ""


def _write_anchor(conn: duckdb.DuckDBPyConnection, head: Mapping[str, Any]) -> None:
    anchor = _anchors.get(_path_of(conn))
    if anchor is None:
        return  # a database in memory has no outside to anchor to
    with anchor.open("a", encoding="utf-8") as file:
        file.write(json.dumps(head) + "\n")
        file.flush()
        os.fsync(file.fileno())


def check_anchor(conn: duckdb.DuckDBPyConnection, anchor: Path) -> None:
    """Hold the database against the anchor, then let the anchor follow this database.

    Raises Refusal when entries that were anchored are missing or altered. A database that is ahead of its anchor by
    the entries of one interrupted commit is fine: the anchor is written after the commit.
    """
    anchored = _last_line(anchor)
    head = conn.execute("select seq, hash, happened_at from audit_events order by seq desc limit 1").fetchone()
    if anchored:
        seq = head[0] if head else 0
        if seq < anchored["seq"]:
            raise Refusal(
                "%(missing)s audit entries are missing: the database ends at entry %(seq)s, its anchor at "
                "%(anchored)s. The database or its log was cut or replaced. Restore the newest backup.",
                missing=anchored["seq"] - seq,
                seq=seq,
                anchored=anchored["seq"],
            )
        found = conn.execute("select hash from audit_events where seq = ?", [anchored["seq"]]).fetchone()
        if found is None or found[0] != anchored["hash"]:
            raise Refusal(
                "Audit entry %(seq)s is not the one that was anchored: the database was replaced or altered. "
                "Restore the newest backup.",
                seq=anchored["seq"],
            )
    if head:
        partial = anchor.with_name(anchor.name + ".partial")
        partial.write_text(json.dumps({"seq": head[0], "hash": head[1], "at": head[2].isoformat()}) + "\n", "utf-8")
        partial.replace(anchor)
    _anchors[_path_of(conn)] = anchor


def _last_line(anchor: Path) -> dict[str, Any] | None:
    lines = anchor.read_text("utf-8").splitlines() if anchor.exists() else []
    for line in reversed(lines):
        try:
            return dict(json.loads(line))
        except ValueError:
            continue  # half a line, cut by a kill
    return None


def first_bad_entry(conn: duckdb.DuckDBPyConnection) -> int | None:
    """The sequence number of the first entry whose hash or place in the chain is wrong; None if all is well."""
    previous, expected = START, 1
    query = "select seq, happened_at, actor, act, subject, detail, previous_hash, hash from audit_events order by seq"
    for seq, at, actor, act, subject, detail, previous_hash, written in conn.execute(query).fetchall():
        event = {
            "seq": seq,
            "at": at.isoformat(timespec="microseconds"),
            "actor": actor,
            "act": act,
            "subject": subject,
            "detail": json.loads(detail),
            "previous_hash": previous_hash,
        }
        if seq != expected or previous_hash != previous or content.digest(event) != written:
            return expected
        previous, expected = written, seq + 1
    return None
