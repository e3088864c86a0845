"""The head of the audit trail, kept outside the database, and what is missing when the two are held together.

A chain of hashes cannot see that its end was cut, and DuckDB opens a file whose log was cut or deleted without a word.
So the head (sequence number and hash) is appended to a file after every commit and compared before every start.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import duckdb

from core.errors import Refusal
from core.locale.mark import N_

Kind = Literal["cut", "replaced", "gone", "unanchored", "unreadable"]

MESSAGES: Mapping[Kind, str] = {
    "cut": N_(
        "%(missing)s audit entries are missing: the database ends at entry %(seq)s, its anchor at %(anchored)s. "
        "The database or its log was cut or replaced. Restore the newest backup."
    ),
    "replaced": N_(
        "Audit entry %(anchored)s is not the one that was anchored: the database was replaced or altered. "
        "Restore the newest backup."
    ),
    "gone": N_(
        "The database is missing, and with it %(missing)s audit entries that its anchor knows. "
        "Bring it back, or restore the newest backup."
    ),
    "unanchored": N_(
        "The database has %(seq)s audit entries, but the file that holds their head outside of it, anchor.jsonl, is "
        "missing: nobody can tell whether entries were cut. Bring it back, or restore the newest backup."
    ),
    "unreadable": N_("The database cannot be read: %(error)s. Restore the newest backup."),
}


class Damaged(Refusal):
    """What was anchored is not in the database: nothing may go on until a person has decided how.

    `missing` counts entries, None where nobody can tell; `seq` is the last entry there is, `anchored` the last there
    was.
    """

    def __init__(self, kind: Kind, *, missing: int | None, seq: int, anchored: int, error: str = "") -> None:
        super().__init__(MESSAGES[kind], missing=missing, seq=seq, anchored=anchored, error=error)
        self.kind, self.missing, self.seq, self.anchored = kind, missing, seq, anchored


_anchors: dict[str, Path] = {}


def compare(conn: duckdb.DuckDBPyConnection, anchor: Path) -> None:
    """Hold the database against its anchor. Raises Damaged when anchored entries are missing or altered, or when the
    anchor is.

    A database that is ahead of its anchor by the entries of one interrupted commit is fine: the anchor is written
    after the commit.
    """
    known = newest(anchor)
    there = conn.execute("select 1 from duckdb_tables() where table_name = 'audit_events'").fetchone()
    last = conn.execute("select max(seq) from audit_events").fetchone() if there else None
    seq = (last and last[0]) or 0
    if known is None:
        if seq > 1:  # the first entry's commit may have been interrupted before its anchor
            raise Damaged("unanchored", missing=None, seq=seq, anchored=0)
        return
    anchored = int(known["seq"])
    if seq < anchored:
        raise Damaged("cut", missing=anchored - seq, seq=seq, anchored=anchored)
    found = conn.execute("select hash from audit_events where seq = ?", [anchored]).fetchone()
    if found is None or found[0] != known["hash"]:
        raise Damaged("replaced", missing=None, seq=seq, anchored=anchored)


def follow(conn: duckdb.DuckDBPyConnection, anchor: Path) -> None:
    """From now on the anchor holds this database's head, beginning with the one it has."""
    query = "select seq, hash, happened_at from audit_events where seq = (select max(seq) from audit_events)"
    head = conn.execute(query).fetchone()
    if head:
        partial = anchor.with_name(anchor.name + ".partial")
        partial.write_text(json.dumps({"seq": head[0], "hash": head[1], "at": head[2].isoformat()}) + "\n", "utf-8")
        partial.replace(anchor)
    _anchors[path_of(conn)] = anchor


def write(conn: duckdb.DuckDBPyConnection, head: Mapping[str, Any]) -> None:
    """Append the head that was committed; a database that no anchor follows has no outside to anchor to."""
    anchor = _anchors.get(path_of(conn))
    if anchor is None:
        return
    with anchor.open("a", encoding="utf-8") as file:
        file.write(json.dumps(head) + "\n")
        file.flush()
        os.fsync(file.fileno())


def newest(anchor: Path) -> dict[str, Any] | None:
    """The last head that was written whole: `seq`, `hash`, `at`."""
    lines = anchor.read_text("utf-8").splitlines() if anchor.exists() else []
    for line in reversed(lines):
        try:
            return dict(json.loads(line))
        except ValueError:
            continue  # half a line, cut by a kill
    return None


def path_of(conn: duckdb.DuckDBPyConnection) -> str:
    """The file that the connection is open on; empty for a database in memory."""
    found = conn.execute("select path from duckdb_databases() where database_name = current_database()").fetchone()
    return str(found[0]) if found and found[0] else ""
