"""Whether the sources that samples name were among the passages that a run showed them."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import duckdb

from core.diagnosis import retrieval
from core.diagnosis.retrieval import Lost, Search
from core.evaluation.tasks import Task
from core.knowledge import grounding
from core.knowledge.shown import Shown
from core.store import database

# The text of a passage is read once for each source that may mean it, and not once for each sample that was shown it.
_ASKED = """
    with named as (
        select unnest($fields::text[]) as fields, unnest($named::text[]) as source
    ), asked as (
        select m.position, p.sample_id, p.key, n.source
        from eval_set_samples as m join samples as p using (sample_id) join named as n on n.fields = p.fields::text
        where m.eval_set_id = $eval_set_id and p.split = $split
    ), there as (
        select a.sample_id, a.source, s.number, s.passage_id, s.document
        from asked as a join shown_passages as s on s.run_id = $run_id and s.sample_id = a.sample_id
    )
"""


def of_run(conn: duckdb.DuckDBPyConnection, task: Task, run: Mapping[str, Any]) -> tuple[Search, Lost]:
    """How well the sources were found, and the 2×2 of right answers and shown sources, over the samples that name one.

    Answers count by the plan's metric, averaged over repeats.
    """
    given = {part: run[part] for part in ("run_id", "eval_set_id", "split")} | _named(conn, run)
    hits = _hits(conn, given)
    query = f"""
        {_ASKED}, hits as (
            select unnest($sources::text[]) as source, unnest($passages::text[]) as passage_id
        ), ranks as (
            select sample_id, min(number) as rank from there join hits using (source, passage_id) group by sample_id
        )
        select key, rank, value from asked left join ranks using (sample_id)
        left join values_of([$run_id], $metric) using (sample_id) order by position
    """  # noqa: S608
    hit = {"sources": [source for source, _ in hits], "passages": [passage for _, passage in hits]}
    found = conn.execute(query, given | hit | {"metric": task.plan.metric}).fetchall()
    lost = {key: (value, rank is not None) for key, rank, value in found if value is not None}
    return retrieval.search([rank for _, rank, _ in found]), retrieval.lost(lost)


def _named(conn: duckdb.DuckDBPyConnection, run: Mapping[str, Any]) -> dict[str, list[str]]:
    """The further columns that name a source, as they are written, and that source, one beside the other."""
    query = """
        select distinct p.fields::text from eval_set_samples as m join samples as p using (sample_id)
        where m.eval_set_id = ? and p.split = ? and p.fields is not null
    """
    read = conn.execute(query, [run["eval_set_id"], run["split"]]).fetchall()
    named = [(fields, grounding.source_of(list(json.loads(fields).items()))) for (fields,) in read]
    return {
        "fields": [fields for fields, source in named if source],
        "named": [source for _, source in named if source],
    }


def _hits(conn: duckdb.DuckDBPyConnection, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each source with a passage of it that was shown to somebody who named it, by its id."""
    shown = "select distinct document from shown_passages where run_id = ?"
    called = defaultdict(list)
    for (document,) in conn.execute(shown, [given["run_id"]]).fetchall():
        called[document.casefold()].append(document)
    same = [(source, one) for source in set(given["named"]) for one in called[grounding.document_of(source)]]
    query = f"""
        {_ASKED}, same as (
            select unnest($sources::text[]) as source, unnest($documents::text[]) as document
        ), pairs as (
            select distinct source, passage_id from there join same using (source, document)
        ), texts as (
            select passage_id, any_value(columns(* exclude (run_id, sample_id, passage_id))) from shown_passages
            where run_id = $run_id and passage_id in (select passage_id from pairs) group by passage_id
        )
        select * from pairs join texts using (passage_id)
    """  # noqa: S608
    one = {"sources": [source for source, _ in same], "documents": [document for _, document in same]}
    rows = database.rows(conn, query, {**given, **one})
    pairs = [(row.pop("source"), Shown(**row)) for row in rows]
    return [(source, passage.passage_id) for source, passage in pairs if grounding.rank(source, [passage]) is not None]
