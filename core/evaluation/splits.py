"""Splits: each group of samples is in one, drawn by salted hash, and stays there once it was used."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import get_args

import duckdb

from core.errors import Refusal
from core.intake.importing import Row, Split
from core.locale.mark import N_

SPLITS: tuple[Split, ...] = get_args(Split)
"""dev: for the ladder. train: may be learned from. gate: locked until the proof. retain: must not break."""

SHARES: Mapping[Split, float] = {"dev": 0.20, "train": 0.45, "gate": 0.35, "retain": 0.0}


def check(shares: Mapping[Split, float]) -> None:
    """Raises Refusal when the shares do not add up to 1."""
    if abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) < 0:
        raise Refusal(
            N_("The shares of the splits add up to %(total)s%%; they must add up to 100%%. Change them."),
            total=round(sum(shares.values()) * 100),
        )


def of_group(salt: str, group_id: str, shares: Mapping[Split, float]) -> Split:
    """The split of a group by salted hash: the same for ever, whatever else is in the file.

    Raises Refusal when the shares do not add up to 1.
    """
    check(shares)
    return _draw(salt, group_id, _bounds(shares))


def assign(
    conn: duckdb.DuckDBPyConnection,
    task_id: str,
    rows: Sequence[Row],
    shares: Mapping[Split, float] = SHARES,
    moves: bool = False,
) -> dict[str, Split]:
    """The split of every group of the rows: the one it has, the one a row asks for, or one that is drawn.

    Nothing is written. A row that asks for another split than its group has is a Refusal, unless `moves` are wanted
    and no sample of the group was used yet (see `used`).
    """
    check(shares)
    bounds = _bounds(shares)
    known = of_task(conn, task_id)
    locked = used(conn, task_id) if moves else known.keys()
    splits: dict[str, Split] = {}
    for row in rows:
        if row.split:
            before = splits.setdefault(row.group_id, row.split)
            if before != row.split:
                raise _other(row, before)
    for row in rows:
        has, asked = known.get(row.group_id), splits.get(row.group_id)
        if asked is None:
            splits[row.group_id] = has or _draw(task_id, row.group_id, bounds)
        elif has and has != asked and row.group_id in locked:
            raise _used(row.key, has, asked) if moves else _other(row, has)
    return splits


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> dict[str, Split]:
    """The split of each group that has one."""
    return dict(conn.execute("select group_id, split from group_splits where task_id = ?", [task_id]).fetchall())


def current(conn: duckdb.DuckDBPyConnection, task_id: str, group_id: str) -> Split | None:
    """The split that one group has, or None."""
    query = "select split from group_splits where task_id = ? and group_id = ?"
    found = conn.execute(query, [task_id, group_id]).fetchone()
    return found[0] if found else None


def used(conn: duckdb.DuckDBPyConnection, task_id: str, among: Sequence[str] | None = None) -> set[str]:
    """The groups of which a sample was asked in a run, learned from, or shown to a model as a solved example.

    `among` these groups only, where it matters that a large task answers at once.
    """
    query = """
        with mine as (
            select sample_id, group_id, split from samples
            where task_id = $task_id and ($among is null or list_contains($among, group_id))
        ), seen as (
            select sample_id from mine join eval_set_samples as m using (sample_id)
            join runs as r on r.eval_set_id = m.eval_set_id and r.split = mine.split where r.task_id = $task_id
            union all select sample_id from approvals where task_id = $task_id
            union all select sample_id from training_rows
            union all select unnest(json_extract_string(examples, '$[*].sample_id')) from prompts
            where task_id = $task_id
        )
        select distinct group_id from mine semi join seen using (sample_id)
    """
    values = {"task_id": task_id, "among": None if among is None else list(among)}
    return {group for (group,) in conn.execute(query, values).fetchall()}


def check_move(conn: duckdb.DuckDBPyConnection, task_id: str, key: str, group_id: str, asked: Split | None) -> None:
    """Raises Refusal when the group of the sample `key` was used in another split than the one that is asked for."""
    has = current(conn, task_id, group_id)
    if has and has != asked and used(conn, task_id, [group_id]):
        raise _used(key, has, asked)


def _bounds(shares: Mapping[Split, float]) -> list[tuple[float, Split]]:
    """Where each split with a share ends on the line from 0 to 1."""
    given = [split for split in SPLITS if shares.get(split)]
    return list(zip(accumulate(shares[split] for split in given), given, strict=True))


def _draw(salt: str, group_id: str, bounds: Sequence[tuple[float, Split]]) -> Split:
    place = int.from_bytes(hashlib.sha256(f"{salt}\x1f{group_id}".encode()).digest()[:8]) / 2**64
    return next((split for bound, split in bounds if place < bound), bounds[-1][1])


def _other(row: Row, split: Split) -> Refusal:
    return Refusal(
        N_(
            "Row %(row)s asks for the split “%(asked)s”, but its group “%(group)s” is in “%(split)s”. Correct the "
            "split in the file, or give the row a group of its own."
        ),
        row=row.line,
        asked=row.split,
        group=row.group_id,
        split=split,
    )


def _used(key: str, split: Split | None, asked: Split | None) -> Refusal:
    return Refusal(
        N_(
            "“%(key)s” cannot move from “%(split)s” to “%(asked)s”: samples of its group were asked, shown to a model "
            "or learned from already, and a later result could not be trusted. Add it as a new sample to another group."
        ),
        key=key,
        split=split,
        asked=asked,
    )
