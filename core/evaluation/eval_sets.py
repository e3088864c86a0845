"""Eval sets: frozen, numbered versions of samples, each sample in a split for good."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import splits
from core.evaluation.splits import SHARES
from core.intake.importing import Row, Split
from core.locale.mark import N_
from core.store import audit, database


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
    pair: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    """Further columns of the file it came from, by name."""


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
    parent_id: str | None = None,
    moves: bool = False,
    after: str | None = None,
) -> EvalSet:
    """Freeze the rows as the next version of the set `name`, all or nothing.

    A group that has a split keeps it; a row that asks for another one is a Refusal, unless `moves` are wanted and its
    group was not used yet. No rows and no name are Refusals, too. `parent_id` is the version the rows were edited from.
    Saving the same content again gives the version that is there, unless it is to come `after` that version; when a
    newer one than `after` is there, that is a Refusal, so that nobody's version is lost under another one.
    """
    roles.require(by, "eval_set.import")
    if not name.strip():
        raise Refusal(N_("The eval set needs a name."))
    if not rows:
        raise Refusal(N_("There is no row to save. Import a file with at least one row that is in order."))
    groups = splits.assign(conn, task_id, rows, shares, moves)
    samples = _frozen(task_id, rows, groups)
    sample_ids = samples["sample_id"].to_pylist()
    frozen = {"name": name, "scorer": scorer, "schema": schema, "samples": sample_ids}
    frozen |= {"after": after} if after else {}
    eval_set_id = content.name("set", {"task_id": task_id, **frozen})
    existing = (None if after else _same(conn, task_id, frozen)) or find(conn, eval_set_id)
    if existing is not None:
        return existing
    counts = {one["values"]: one["counts"] for one in samples["split"].value_counts().to_pylist()}
    given = {"task_id": [task_id] * len(groups), "group_id": list(groups), "split": list(groups.values())}
    places = {"eval_set_id": [eval_set_id] * len(samples), "position": range(len(samples)), "sample_id": sample_ids}
    with audit.change(
        conn,
        actor=by.person_id,
        act="eval_set.saved",
        subject=eval_set_id,
        detail={"name": name, "counts": counts, "note": note, "parent": parent_id},
    ) as detail:
        query = "select * from eval_sets where task_id = ? and name = ? order by version desc limit 1"
        last = database.row(conn, query, [task_id, name])
        if after and last and last["eval_set_id"] != after:
            raise Refusal(
                N_(
                    "%(person)s has saved version %(version)s of this set in the meantime. Nothing was overwritten, "
                    "and your changes are still here. Look at what is new in it, and make your changes on that version."
                ),
                person=last["created_by"],
                version=last["version"],
            )
        version = (last["version"] if last else 0) + 1
        detail["version"] = version
        with database.offered(conn, pa.table(given)):
            conn.execute("insert or replace into group_splits by name select * from incoming")
        with database.offered(conn, samples):
            conn.execute("insert into samples by name select * from incoming anti join samples using (sample_id)")
        with database.offered(conn, pa.table(places)):
            conn.execute("insert into eval_set_samples by name select * from incoming")
        row = {"eval_set_id": eval_set_id, "task_id": task_id, "name": name, "version": version, "note": note}
        row |= {"scorer": scorer, "schema": content.canonical(schema) if schema else None}
        row |= {"sample_count": len(samples), "counts": content.canonical(counts), "parent_id": parent_id}
        database.insert(conn, "eval_sets", [{**row, "created_by": by.person_id, "created_at": database.now()}])
    saved = find(conn, eval_set_id)
    assert saved is not None
    return saved


def _same(conn: duckdb.DuckDBPyConnection, task_id: str, frozen: Mapping[str, Any]) -> EvalSet | None:
    """The newest version with just this content; one that came `after` another has a name of its own."""
    query = """
        select s.* from eval_sets as s where task_id = $task and name = $name and scorer = $scorer
            and schema::varchar is not distinct from $schema and sample_count = len($samples)
            and (select list(sample_id order by position) from eval_set_samples as m
                where m.eval_set_id = s.eval_set_id) = $samples
        order by version desc limit 1
    """
    schema = content.canonical(frozen["schema"]) if frozen["schema"] else None
    row = database.row(conn, query, {**frozen, "task": task_id, "schema": schema})
    return _eval_set(row) if row else None


_COLUMNS = pa.schema(
    [(name, pa.string()) for name in ("sample_id", "task_id", "key", "input", "context", "reference", "kind", "pair")]
    + [("group_id", pa.string()), ("split", pa.string()), ("critical", pa.bool_()), ("tags", pa.list_(pa.string()))]
    + [("fields", pa.string())]
)


def _frozen(task_id: str, rows: Sequence[Row], groups: Mapping[str, Split]) -> pa.Table:
    """The samples by columns, each content once, in the order of the rows; 10,000 at a time, to be kind to memory."""
    seen: set[str] = set()
    parts = []
    for start in range(0, len(rows), 10_000):
        samples = [_sample(task_id, row, groups[row.group_id]) for row in rows[start : start + 10_000]]
        new = [one for one in samples if one["sample_id"] not in seen and not seen.add(one["sample_id"])]  # type: ignore[func-returns-value]
        parts.append(pa.Table.from_pylist(new, schema=_COLUMNS))
    return pa.concat_tables(parts)


def _sample(task_id: str, row: Row, split: Split) -> dict[str, Any]:
    sample: dict[str, Any] = {
        "task_id": task_id,
        "key": row.key,
        "input": row.input,
        "context": row.context,
        "reference": row.reference,
        "kind": row.kind,
        "pair": row.pair,
        "group_id": row.group_id,
        "split": split,
        "critical": row.critical,
        "tags": list(row.tags),
    }
    if not row.fields:  # samples without further columns keep the names they had before there were any
        return {"sample_id": content.name("sample", sample), **sample}
    sample_id = content.name("sample", {**sample, "fields": dict(row.fields)})
    return {"sample_id": sample_id, **sample, "fields": content.canonical(dict(row.fields))}


def find(conn: duckdb.DuckDBPyConnection, eval_set_id: str) -> EvalSet | None:
    row = database.row(conn, "select * from eval_sets where eval_set_id = ?", [eval_set_id])
    return _eval_set(row) if row else None


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[EvalSet]:
    """The newest version of each of the task's sets, in the order they first came."""
    query = """
        select * from eval_sets where task_id = ?
        qualify row_number() over (partition by name order by version desc) = 1
        order by min(created_at) over (partition by name), name
    """
    return [_eval_set(row) for row in database.rows(conn, query, [task_id])]


def samples(
    conn: duckdb.DuckDBPyConnection,
    eval_set_id: str,
    split: Split | None = None,
    *,
    offset: int = 0,
    limit: int | None = None,
    every: int = 1,
) -> list[Sample]:
    """The set's samples in their order, of one split or of all; `limit` of them from number `offset` on.

    With `every` 10, only the first of each ten is among them: a look at all of a large set that costs little.
    """
    query = """
        with chosen as (
            select m.sample_id, m.position from eval_set_samples as m join samples as p using (sample_id)
            where m.eval_set_id = $eval_set_id and ($split is null or p.split = $split)
            qualify (row_number() over (order by m.position) - 1) % $every = 0
            order by m.position limit $limit offset $offset
        )
        select p.sample_id, key, input, context, reference, kind, pair, group_id, split, critical, tags, fields
        from chosen join samples as p using (sample_id) order by position
    """
    values = {"eval_set_id": eval_set_id, "split": split, "offset": offset, "limit": limit, "every": every}
    return [_read(row) for row in database.rows(conn, query, values)]


def _read(row: dict[str, Any]) -> Sample:
    fields = tuple(json.loads(row["fields"]).items()) if row["fields"] else ()
    return Sample(**{**row, "tags": tuple(row["tags"]), "fields": fields})


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


def field_names(conn: duckdb.DuckDBPyConnection, eval_set_id: str) -> list[str]:
    """The names of further columns that any sample of the set has."""
    query = """
        select distinct unnest(json_keys(p.fields)) as name
        from eval_set_samples as m join samples as p using (sample_id)
        where m.eval_set_id = ? and p.fields is not null order by name
    """
    return [name for (name,) in conn.execute(query, [eval_set_id]).fetchall()]
