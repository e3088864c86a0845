"""Eval sets: frozen, numbered versions of samples, each sample in a split for good."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation.importing import Row, Split
from core.locale.mark import N_
from core.store import audit, database

SPLITS: tuple[Split, ...] = get_args(Split)
"""dev: for the ladder. train: may be learned from. gate: locked until the proof. retain: must not break."""

SHARES: Mapping[Split, float] = {"dev": 0.20, "train": 0.45, "gate": 0.35, "retain": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSet:
    """One immutable version. `counts` says how many samples each split has."""

    eval_set_id: str
    task_id: str
    name: str
    version: int
    scorer: str
    schema: Mapping[str, Any] | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One question with what a right answer is compared to."""

    sample_id: str
    key: str
    input: str
    context: str
    reference: str
    kind: str
    group_id: str
    split: Split
    critical: bool
    tags: tuple[str, ...]


def split_of(salt: str, group_id: str, shares: Mapping[Split, float]) -> Split:
    """The split of a group by salted hash: the same for ever, whatever else is in the file.

    Raises Refusal when the shares do not add up to 1.
    """
    if abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) < 0:
        raise Refusal(
            N_("The shares of the splits add up to %(total)s%%; they must add up to 100%%. Change them."),
            total=round(sum(shares.values()) * 100),
        )
    place = int.from_bytes(hashlib.sha256(f"{salt}\x1f{group_id}".encode()).digest()[:8]) / 2**64
    reached = 0.0
    for split in SPLITS:
        reached += shares.get(split, 0.0)
        if place < reached:
            return split
    return next(split for split in reversed(SPLITS) if shares.get(split))


def save(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    task_id: str,
    name: str,
    rows: Sequence[Row],
    scorer: str,
    schema: Mapping[str, Any] | None = None,
    shares: Mapping[Split, float] = SHARES,
    note: str = "",
) -> EvalSet:
    """Freeze the rows as the next version of the set `name`, all or nothing.

    A group that has a split keeps it; a row that asks for another one is a Refusal, as are no rows and no name.
    Saving the same content again gives the version that is there.
    """
    roles.require(by, "eval_set.import")
    if not name.strip():
        raise Refusal(N_("The eval set needs a name."))
    if not rows:
        raise Refusal(N_("There is no row to save. Import a file with at least one row that is in order."))
    splits = _assign(conn, task_id, rows, shares)
    samples = list({sample["sample_id"]: sample for sample in (_sample(task_id, row, splits) for row in rows)}.values())
    frozen = {"name": name, "scorer": scorer, "schema": schema, "samples": [sample["sample_id"] for sample in samples]}
    eval_set_id = content.name("set", {"task_id": task_id, **frozen})
    if (existing := find(conn, eval_set_id)) is not None:
        return existing
    known = {
        group for (group,) in conn.execute("select group_id from group_splits where task_id = ?", [task_id]).fetchall()
    }
    stored = {one for (one,) in conn.execute("select sample_id from samples where task_id = ?", [task_id]).fetchall()}
    counts = dict(Counter(sample["split"] for sample in samples))
    with audit.change(
        conn,
        actor=by.person_id,
        act="eval_set.saved",
        subject=eval_set_id,
        detail={"name": name, "counts": counts, "note": note},
    ) as detail:
        last = conn.execute(
            "select max(version) from eval_sets where task_id = ? and name = ?", [task_id, name]
        ).fetchone()
        version = ((last and last[0]) or 0) + 1
        detail["version"] = version
        new_groups = [
            {"task_id": task_id, "group_id": group, "split": split}
            for group, split in splits.items()
            if group not in known
        ]
        database.insert(conn, "group_splits", new_groups)
        database.insert(conn, "samples", [sample for sample in samples if sample["sample_id"] not in stored])
        database.insert(
            conn,
            "eval_set_samples",
            [
                {"eval_set_id": eval_set_id, "position": position, "sample_id": sample["sample_id"]}
                for position, sample in enumerate(samples)
            ],
        )
        database.insert(
            conn,
            "eval_sets",
            [
                {
                    "eval_set_id": eval_set_id,
                    "task_id": task_id,
                    "name": name,
                    "version": version,
                    "note": note,
                    "scorer": scorer,
                    "schema": content.canonical(schema) if schema else None,
                    "sample_count": len(samples),
                    "created_by": by.person_id,
                    "created_at": database.now(),
                }
            ],
        )
    saved = find(conn, eval_set_id)
    assert saved is not None
    return saved


def _assign(
    conn: duckdb.DuckDBPyConnection, task_id: str, rows: Sequence[Row], shares: Mapping[Split, float]
) -> dict[str, Split]:
    query = "select group_id, split from group_splits where task_id = ?"
    splits: dict[str, Split] = dict(conn.execute(query, [task_id]).fetchall())
    for row in rows:
        asked: Split | None = row.split
        split = splits.setdefault(row.group_id, asked or split_of(task_id, row.group_id, shares))
        if asked and asked != split:
            raise Refusal(
                N_(
                    "Row %(row)s asks for the split “%(asked)s”, but its group “%(group)s” is in “%(split)s” for good. "
                    "Correct the split in the file, or give the row a group of its own."
                ),
                row=row.line,
                asked=asked,
                group=row.group_id,
                split=split,
            )
    return splits


def _sample(task_id: str, row: Row, splits: Mapping[str, Split]) -> dict[str, Any]:
    sample = {
        "task_id": task_id,
        "key": row.key,
        "input": row.input,
        "context": row.context,
        "reference": row.reference,
        "kind": row.kind,
        "pair": row.pair,
        "group_id": row.group_id,
        "split": splits[row.group_id],
        "critical": row.critical,
        "tags": list(row.tags),
    }
    return {"sample_id": content.name("sample", sample), **sample}


_COUNTED = """
    select s.*, (
        select json_group_object(split, n) from (
            select split, count(*) as n from eval_set_samples as m join samples as p using (sample_id)
            where m.eval_set_id = s.eval_set_id group by split
        )
    ) as counts
    from eval_sets as s
"""


def find(conn: duckdb.DuckDBPyConnection, eval_set_id: str) -> EvalSet | None:
    row = database.row(conn, _COUNTED + " where s.eval_set_id = ?", [eval_set_id])
    return _eval_set(row) if row else None


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[EvalSet]:
    """The newest version of each of the task's sets, in the order they first came."""
    query = (
        _COUNTED
        + """
        where s.task_id = ?
        qualify row_number() over (partition by s.name order by s.version desc) = 1
        order by min(s.created_at) over (partition by s.name), s.name
        """
    )
    return [_eval_set(row) for row in database.rows(conn, query, [task_id])]


def samples(conn: duckdb.DuckDBPyConnection, eval_set_id: str, split: Split | None = None) -> list[Sample]:
    """The set's samples in their order, of one split or of all."""
    query = """
        select p.sample_id, key, input, context, reference, kind, group_id, split, critical, tags
        from eval_set_samples as m join samples as p using (sample_id)
        where m.eval_set_id = $eval_set_id and ($split is null or split = $split) order by position
    """
    found = database.rows(conn, query, {"eval_set_id": eval_set_id, "split": split})
    return [Sample(**{**row, "tags": tuple(row["tags"])}) for row in found]


def _eval_set(row: dict[str, Any]) -> EvalSet:
    return EvalSet(
        eval_set_id=row["eval_set_id"],
        task_id=row["task_id"],
        name=row["name"],
        version=row["version"],
        scorer=row["scorer"],
        schema=json.loads(row["schema"]) if row["schema"] else None,
        counts=json.loads(row["counts"] or "{}"),
    )
