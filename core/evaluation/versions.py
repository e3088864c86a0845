"""The numbered versions of an eval set: what each changed, and an older one brought back as the newest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core.access.people import Person
from core.errors import Refusal
from core.evaluation import eval_sets
from core.evaluation.eval_sets import EvalSet, Sample
from core.intake.importing import Kind, Row
from core.locale.mark import N_
from core.store import database


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How many samples differ between two versions, matched by their key, and some of them in order.

    Each row has `key`, `change` (added, removed or changed), `parts` (names of what changed), and for input, reference
    and split the text `before` and `after`, as in `input_before`; None where the version has no such sample.
    """

    added: int
    removed: int
    changed: int
    rows: Sequence[Mapping[str, Any]]


def of_set(conn: duckdb.DuckDBPyConnection, task_id: str, name: str) -> list[EvalSet]:
    """All versions of the set, the newest first."""
    query = "select eval_set_id from eval_sets where task_id = ? and name = ? order by version desc"
    found = [eval_sets.find(conn, set_id) for (set_id,) in conn.execute(query, [task_id, name]).fetchall()]
    return [one for one in found if one is not None]


def history(conn: duckdb.DuckDBPyConnection, task_id: str, name: str) -> list[dict[str, Any]]:
    """One row per version, the newest first: `version`, `note`, `sample_count`, `created_by`, `created_at`, `parent`
    (the number of the version it was edited from, or None)."""
    query = """
        select s.version, s.note, s.sample_count, s.created_by, s.created_at, p.version as parent
        from eval_sets as s left join eval_sets as p on p.eval_set_id = s.parent_id
        where s.task_id = ? and s.name = ? order by s.version desc
    """
    return database.rows(conn, query, [task_id, name])


def compare(
    conn: duckdb.DuckDBPyConnection,
    before_id: str,
    after_id: str,
    *,
    gate: bool = False,
    offset: int = 0,
    limit: int = 200,
) -> Difference:
    """What changed from one version to the other, `limit` rows from number `offset` on.

    Texts of locked samples are left out unless `gate` is set.
    """
    query = """
        with old as (select sample_id, position from eval_set_samples where eval_set_id = $before),
             new as (select sample_id, position from eval_set_samples where eval_set_id = $after),
             a as (select key, sample_id, position from old anti join new using (sample_id)
                join samples using (sample_id)),
             b as (select key, sample_id, position from new anti join old using (sample_id)
                join samples using (sample_id)),
             differing as materialized (
                select coalesce(b.key, a.key) as key, coalesce(b.position, a.position) as position,
                    case when a.sample_id is null then 'added' when b.sample_id is null then 'removed'
                        else 'changed' end as change,
                    a.sample_id as before_id, b.sample_id as after_id
                from a full outer join b on a.key = b.key
             ),
             counts as (
                select count(*) filter (change = 'added') as added, count(*) filter (change = 'removed') as removed,
                    count(*) filter (change = 'changed') as changed from differing
             ),
             page as (select * from differing, counts order by position, key limit $limit offset $offset)
        select page.key, change,
            list_filter([
                if(a.input is distinct from b.input, 'input', null),
                if(a.context is distinct from b.context, 'context', null),
                if(a.reference is distinct from b.reference, 'reference', null),
                if(a.kind is distinct from b.kind, 'kind', null),
                if(a.pair is distinct from b.pair, 'pair', null),
                if(a.group_id is distinct from b.group_id, 'group_id', null),
                if(a.split is distinct from b.split, 'split', null),
                if(a.critical is distinct from b.critical, 'critical', null),
                if(a.tags is distinct from b.tags, 'tags', null),
                if(a.fields::varchar is distinct from b.fields::varchar, 'fields', null)
            ], lambda part: part is not null) as parts,
            a.input as input_before, b.input as input_after, a.reference as reference_before,
            b.reference as reference_after, a.split as split_before, b.split as split_after,
            added, removed, changed
        from page left join samples as a on a.sample_id = before_id left join samples as b on b.sample_id = after_id
        order by position, page.key
    """
    values = {"before": before_id, "after": after_id, "offset": offset, "limit": limit}
    rows = database.rows(conn, query, values)
    counts = {name: rows[0][name] if rows else 0 for name in ("added", "removed", "changed")}
    for one in rows:
        if not gate and "gate" in (one["split_before"], one["split_after"]):
            one |= dict.fromkeys(("input_before", "input_after", "reference_before", "reference_after"))
    return Difference(rows=rows, **counts)


def restore(conn: duckdb.DuckDBPyConnection, *, by: Person, eval_set_id: str, note: str = "") -> EvalSet:
    """Make the version's samples the newest version again; every version in between stays.

    Raises Refusal when it is the newest already, or when a group has moved to another split and was used there.
    """
    old = eval_sets.find(conn, eval_set_id)
    assert old is not None, "a version is never deleted"
    newest = of_set(conn, old.task_id, old.name)[0]
    if newest.eval_set_id == old.eval_set_id:
        raise Refusal(N_("Version %(version)s is the newest one already."), version=old.version)
    return eval_sets.save(
        conn,
        by=by,
        task_id=old.task_id,
        name=old.name,
        rows=[row(number, sample) for number, sample in enumerate(eval_sets.samples(conn, eval_set_id), 1)],
        scorer=old.scorer,
        schema=old.schema,
        note=note,
        parent_id=old.eval_set_id,
        moves=True,
        after=newest.eval_set_id,
    )


def row(number: int, sample: Sample) -> Row:
    """The sample as a row that can be saved again; `number` is its place, for messages."""
    kind: Kind = "concept" if sample.kind == "concept" else "practice"
    return Row(
        key=sample.key,
        input=sample.input,
        context=sample.context,
        reference=sample.reference,
        kind=kind,
        pair=sample.pair,
        group_id=sample.group_id,
        split=sample.split,
        critical=sample.critical,
        tags=sample.tags,
        line=number,
        fields=sample.fields,
    )
