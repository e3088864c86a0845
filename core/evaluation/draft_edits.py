"""Edits of a draft: appended one by one, so that a reload, a restart or a kill loses none; the newest counts."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, get_args

import duckdb

from core import content
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import draft_rows, drafts, splits
from core.evaluation.draft_rows import DraftRow
from core.evaluation.drafts import Draft
from core.intake import importing
from core.intake.importing import Kind
from core.locale.mark import N_
from core.store import audit, database

PARTS = ("key", "input", "context", "reference", "kind", "pair", "group_id", "split", "critical", "tags")
"""Of a row, what an edit can change."""


def add(conn: duckdb.DuckDBPyConnection, *, by: Person, draft_id: str) -> str:
    """A new empty row; its row_key."""
    row_key = "new-" + secrets.token_hex(6)
    with _editing(conn, by, draft_id):
        _append(conn, by, draft_id, [DraftRow(row_key=row_key, key=row_key)])
    return row_key


def take_in(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    draft_id: str,
    rows: Sequence[Mapping[str, Any]],
    also: Callable[[duckdb.DuckDBPyConnection], None],
) -> None:
    """New rows with these parts and `fields`, further columns by name, and in the same change what `also` does."""
    with _editing(conn, by, draft_id):
        samples = []
        for given in rows:
            row_key = "new-" + secrets.token_hex(6)
            row = DraftRow(row_key=row_key, key=row_key)
            row = replace(row, **{part: _clean(part, given[part]) for part in PARTS if part in given})
            samples.append((row_key, _parts(row) | {"fields": dict(given["fields"])}))
        _write(conn, by, draft_id, samples)
        also(conn)


def delete(conn: duckdb.DuckDBPyConnection, *, by: Person, draft_id: str, row_keys: Iterable[str]) -> None:
    """Leave the rows out of the draft; the version it starts from keeps them."""
    with _editing(conn, by, draft_id):
        known = draft_rows.some(conn, draft_id, list(row_keys))
        _require_open(known.values())
        _write(conn, by, draft_id, [(row_key, None) for row_key in known])


def edit(
    conn: duckdb.DuckDBPyConnection, *, by: Person, draft_id: str, row_key: str, parts: Mapping[str, Any]
) -> set[str]:
    """Change parts of a row; the row_keys that changed, since a group moves to another split as a whole.

    A row that comes into a group takes the group's split. Raises Refusal, with nothing changed, when the sample is
    locked or deleted, and when its group was used and it would leave the group or its split.
    """
    with _editing(conn, by, draft_id) as draft:
        known = draft_rows.some(conn, draft_id, [row_key])
        if row_key not in known:
            raise Refusal(N_("This sample is not in the draft any more. Reload the page."))
        _require_open(known.values())
        before = known[row_key]
        after = replace(before, **{part: _clean(part, parts[part]) for part in PARTS if part in parts})
        if not after.key:
            after = replace(after, key=before.key)
        if after.group_id != before.group_id:
            after = _regrouped(conn, draft, before, after)
        elif not after.split:
            after = replace(after, split=before.split)
        changed = {row_key: after} if after != before else {}
        if after.split != before.split:
            splits.check_move(conn, draft.task_id, after.key, after.group_id, after.split)
            changed |= {
                one.row_key: replace(one, split=after.split)
                for one in draft_rows.of_group(conn, draft_id, after.group_id)
                if after.group_id and one.row_key != row_key and one.split != after.split
            }
        _append(conn, by, draft_id, list(changed.values()))
    return set(changed)


@contextmanager
def _editing(conn: duckdb.DuckDBPyConnection, by: Person, draft_id: str) -> Iterator[Draft]:
    with audit.change(conn, actor=by.person_id, act="eval_set.draft_edited", subject=draft_id) as detail:
        last = conn.execute("select max(edit_id) from draft_edits where draft_id = ?", [draft_id]).fetchone()
        yield drafts.own(conn, by, draft_id)
        query = "select count(*) from draft_edits where draft_id = ? and edit_id > ?"
        found = conn.execute(query, [draft_id, (last and last[0]) or 0]).fetchone()
        detail["rows"] = found[0] if found else 0


def _append(conn: duckdb.DuckDBPyConnection, by: Person, draft_id: str, rows: Sequence[DraftRow]) -> None:
    _write(conn, by, draft_id, [(one.row_key, _parts(one)) for one in rows])


def _parts(row: DraftRow) -> dict[str, Any]:
    return {part: getattr(row, part) for part in PARTS} | {"tags": list(row.tags)}


def _write(
    conn: duckdb.DuckDBPyConnection, by: Person, draft_id: str, samples: Iterable[tuple[str, dict[str, Any] | None]]
) -> None:
    now = database.now()
    edits = [
        {"draft_id": draft_id, "row_key": row_key, "sample": content.canonical(sample) if sample else None}
        | {"edited_by": by.person_id, "edited_at": now}
        for row_key, sample in samples
    ]
    database.insert(conn, "draft_edits", edits)


def _require_open(rows: Iterable[DraftRow]) -> None:
    if any(row.base_split == "gate" for row in rows):
        raise Refusal(N_("Samples that are locked for the proof cannot be edited here."))


def _clean(part: str, value: Any) -> Any:
    """The value as a row keeps it. Raises Refusal for one of another type or an unknown word."""
    if part == "tags":
        words = importing.tags(value) if isinstance(value, str) else tuple(value or ())
        return tuple(dict.fromkeys(word for one in words if (word := str(one).strip())))
    if part == "critical":
        return bool(value)
    said = str(value or "") if part in ("input", "context", "reference") else str(value or "").strip()
    known = {"kind": get_args(Kind), "split": ("", *splits.SPLITS)}.get(part)
    if known and said not in known:
        raise Refusal(
            N_("“%(word)s” is not a word known here. Write one of %(known)s, or leave the cell empty."),
            word=said[:40],
            known=", ".join(known).strip(", "),
        )
    return said or None if part == "split" else said


def _regrouped(conn: duckdb.DuckDBPyConnection, draft: Draft, before: DraftRow, after: DraftRow) -> DraftRow:
    """The row in its new group, with the split of that group if it has one."""
    if before.base_group and splits.used(conn, draft.task_id, [before.base_group]):
        raise Refusal(
            N_(
                "“%(key)s” cannot leave its group: samples of it were asked, shown to a model or learned from already, "
                "and the group is what keeps them out of another part. Add it as a new sample instead."
            ),
            key=before.key,
        )
    there = draft_rows.of_group(conn, draft.draft_id, after.group_id) if after.group_id else []
    split = there[0].split if there else splits.current(conn, draft.task_id, after.group_id)
    return replace(after, split=split or after.split)
