"""The rows of a draft as they are now: the version it starts from, with every edit on top."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core import content
from core.errors import Refusal
from core.intake import importing
from core.intake.importing import Kind, Row, Split
from core.locale.mark import N_
from core.store import database


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """A sample as it is in the draft. `row_key` names it while its parts change; a new row may have no split yet."""

    row_key: str
    key: str
    input: str = ""
    context: str = ""
    reference: str = ""
    kind: Kind = "practice"
    pair: str = ""
    group_id: str = ""
    split: Split | None = None
    critical: bool = False
    tags: tuple[str, ...] = ()
    base_group: str | None = None
    """The group it has in the version the draft starts from; None for a new row."""
    base_split: Split | None = None


def count(conn: duckdb.DuckDBPyConnection, draft_id: str, text: str = "") -> int:
    """How many rows `rows` has in all."""
    query = """
        select count(*) from draft_rows($draft_id) where base_split is distinct from 'gate'
        and ($text = '' or contains(lower(key), lower($text)) or contains(lower(input), lower($text)))
    """
    found = conn.execute(query, {"draft_id": draft_id, "text": text.strip()}).fetchone()
    return int(found[0]) if found else 0


def rows(
    conn: duckdb.DuckDBPyConnection, draft_id: str, text: str = "", *, offset: int = 0, limit: int = 50
) -> list[DraftRow]:
    """Rows whose key or input contains the text: new ones first, the newest on top, then in the order of the version.

    Samples that are locked for the proof are never among them.
    """
    query = """
        select row_key from draft_rows($draft_id) where base_split is distinct from 'gate'
        and ($text = '' or contains(lower(key), lower($text)) or contains(lower(input), lower($text)))
        order by position nulls first, first_id desc limit $limit offset $offset
    """
    values = {"draft_id": draft_id, "text": text.strip(), "offset": offset, "limit": limit}
    keys = [key for (key,) in conn.execute(query, values).fetchall()]  # the texts are read of this page's rows only
    found = some(conn, draft_id, keys)
    return [found[key] for key in keys]


def counts(conn: duckdb.DuckDBPyConnection, draft_id: str) -> dict[str, int]:
    """How many rows each split has in the draft; those whose split is still to be drawn under ''."""
    query = "select coalesce(split, ''), count(*) from draft_rows(?) group by all"
    return dict(conn.execute(query, [draft_id]).fetchall())


def some(conn: duckdb.DuckDBPyConnection, draft_id: str, row_keys: Sequence[str]) -> dict[str, DraftRow]:
    """Those of these rows that are in the draft, locked ones too, by row_key."""
    query = (
        "select * exclude (position, first_id, fields) from draft_rows(?) where list_contains(?::varchar[], row_key)"
    )
    return {row["row_key"]: _read(row) for row in database.rows(conn, query, [draft_id, list(row_keys)])}


def of_group(conn: duckdb.DuckDBPyConnection, draft_id: str, group_id: str) -> list[DraftRow]:
    """Every row of the group, in no order."""
    query = "select * exclude (position, first_id, fields) from draft_rows(?) where group_id = ?"
    return [_read(row) for row in database.rows(conn, query, [draft_id, group_id])]


def to_save(conn: duckdb.DuckDBPyConnection, draft_id: str) -> list[Row]:
    """All rows as a version takes them, those of the old version in their order and the new ones after them.

    A row without a group is one of its own. Raises Refusal for an empty input, and for a key or an input that two
    rows have.
    """
    query = "select * from draft_rows(?) order by position nulls last, first_id"
    found: list[Row] = []
    keys: set[str] = set()
    asked: dict[tuple[str, str], str] = {}
    for line, one in enumerate(database.rows(conn, query, [draft_id]), 1):
        if not one["input"].strip():
            raise Refusal(N_("The input of “%(key)s” is empty. Fill it in, or delete the row."), key=one["key"])
        if one["key"] in keys:
            raise Refusal(N_("Two rows have the key “%(key)s”. Give every row a key of its own."), key=one["key"])
        keys.add(one["key"])
        first = asked.setdefault((one["input"], one["context"]), one["key"])
        if first != one["key"]:
            raise Refusal(
                N_("“%(key)s” and “%(other)s” ask the same. Change one of them, or delete it."),
                key=first,
                other=one["key"],
            )
        found.append(
            Row(
                key=one["key"],
                input=one["input"],
                context=one["context"],
                reference=one["reference"],
                kind=one["kind"],
                pair=one["pair"],
                group_id=one["group_id"] or content.name("group", importing.normalise(one["input"])),
                split=one["split"],
                critical=one["critical"],
                tags=tuple(one["tags"]),
                line=line,
                fields=tuple(json.loads(one["fields"]).items()) if one["fields"] else (),
            )
        )
    return found


def _read(row: dict[str, Any]) -> DraftRow:
    return DraftRow(**{**row, "tags": tuple(row["tags"])})
