"""Solved samples that a prompt may show: those that people approved, or the file's own answers until then."""

import json
from typing import Any

import duckdb

from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import Example
from core.store import database


def candidates(conn: duckdb.DuckDBPyConnection, eval_set_id: str, most: int = 200) -> tuple[list[Example], bool]:
    """Train samples of the set with their approved answers, the first approved first, and whether they are approved.

    When nobody approved any yet, the references of train samples stand in, as many different ones as possible.
    """
    query = """
        select p.sample_id, p.input, p.context, p.fields, a.completion as answer
        from eval_set_samples as m join samples as p using (sample_id) join latest_approvals as a using (sample_id)
        where m.eval_set_id = $set and p.split = 'train' and a.decision = 'approved'
        order by a.approval_id limit $most
    """
    if found := database.rows(conn, query, {"set": eval_set_id, "most": most}):
        return [_example(row) for row in found], True
    return [Example.of(sample, sample.reference) for sample in varied(conn, eval_set_id, each=8, most=most)], False


def varied(conn: duckdb.DuckDBPyConnection, eval_set_id: str, *, each: int, most: int) -> list[Sample]:
    """Train samples that have a reference: the first `each` of every reference, in turns, at most `most` of them."""
    query = """
        with chosen as (
            select m.sample_id, m.position, row_number() over (partition by reference order by m.position) as turn
            from eval_set_samples as m join samples as p using (sample_id)
            where m.eval_set_id = $set and p.split = 'train' and p.reference <> ''
            qualify turn <= $each order by turn, m.position limit $most
        )
        select p.sample_id, key, input, context, reference, kind, pair, group_id, split, critical, tags, fields
        from chosen join samples as p using (sample_id) order by turn, position
    """
    rows = database.rows(conn, query, {"set": eval_set_id, "each": each, "most": most})
    return [Sample(**{**row, "tags": tuple(row["tags"]), "fields": _fields(row)}) for row in rows]


def _example(row: dict[str, Any]) -> Example:
    return Example(**{**row, "fields": _fields(row)})


def _fields(row: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(json.loads(row["fields"]).items()) if row["fields"] else ()
