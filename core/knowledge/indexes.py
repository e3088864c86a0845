"""A task's knowledge base: documents, and the immutable versions of the index over their passages."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.jobs.jobs import Job
from core.knowledge import passages, searching, vectors, words
from core.knowledge.embedders import Embedder
from core.knowledge.searching import Method
from core.locale.mark import N_
from core.settings import Settings
from core.store import audit, database

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One version of a task's knowledge base; equal documents, cut and searched in one way, have one `index_id`."""

    index_id: str
    task_id: str
    number: int
    documents: tuple[str, ...]
    passages: int
    created_by: str
    created_at: datetime
    method: Method
    embedder: Embedder | None
    """None where the search needs no vectors."""
    vectors: str | None
    """SHA-256 of the vectors in the order of the passages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A passage with where it stands."""

    passage_id: str
    document: str
    """The name of the document."""
    place: int
    page: int | None
    section: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one uploaded file: so many passages, or a refusal."""

    name: str
    passages: int = 0
    refusal: Refusal | None = None


def add(
    conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, files: Sequence[tuple[str, bytes]]
) -> list[Outcome]:
    """Take the files in, given as name and bytes, as one new version; one bad file does not keep the others out.

    A document of a name that is there already takes its place, and the new version is searched as the one before.
    Where that needs vectors that are not there yet, a job gets them, and makes the version then.
    """
    roles.require(by, "knowledge.manage")
    outcomes, read = list[Outcome](), dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]()
    for name, given in files:
        try:
            row, cut = passages.of_file(by.person_id, task_id, name, given)
        except Refusal as refusal:
            outcomes.append(Outcome(name=name, refusal=refusal))
        else:
            read[name] = row, cut
            outcomes.append(Outcome(name=name, passages=len(cut)))
    if read:
        with audit.change(conn, actor=by.person_id, act="knowledge.added", subject=task_id) as detail:
            for row, cut in read.values():
                if not database.row(conn, "select 1 from documents where document_id = ?", [row["document_id"]]):
                    database.insert(conn, "documents", [row])
                    database.insert(conn, "passages", cut)
            detail["documents"] = [row["document_id"] for row, _ in read.values()]
            detail |= settle(conn, by.person_id, task_id, added=detail["documents"])
    return outcomes


def remove(conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, document_ids: Sequence[str]) -> None:
    """A new version without these documents; earlier versions keep them."""
    roles.require(by, "knowledge.manage")
    before = newest(conn, task_id)
    kept = [one for one in before.documents if one not in document_ids] if before else []
    if not kept:
        raise Refusal(N_("A knowledge base keeps at least one document. Add another before you take this one out."))
    with audit.change(conn, actor=by.person_id, act="knowledge.removed", subject=task_id) as detail:
        detail |= {"documents": list(document_ids), "index": save(conn, by.person_id, task_id, kept, *_way(before))}


def bring_back(conn: duckdb.DuckDBPyConnection, index: Index, *, by: Person) -> None:
    """Make an earlier version the newest one again."""
    roles.require(by, "knowledge.manage")
    with audit.change(conn, actor=by.person_id, act="knowledge.brought_back", subject=index.task_id) as detail:
        detail["index"] = save(conn, by.person_id, index.task_id, index.documents, *_way(index))


def _way(index: Index | None) -> tuple[Method, Embedder | None]:
    return (index.method, index.embedder) if index else ("bm25", None)


def settle(
    conn: duckdb.DuckDBPyConnection,
    by: str,
    task_id: str,
    *,
    added: Sequence[str] = (),
    method: Method | None = None,
    embedder: Embedder | None = None,
) -> dict[str, str]:
    """Make the newest version with these documents added, searched in this way or as before, inside a change.

    Returns its id as `index`; while vectors are missing, the `job` that gets them, which settles the same when it ends.
    """
    before = newest(conn, task_id)
    if method is None:
        method, embedder = _way(before)
        then: dict[str, Any] = {"added": list(added)}
    else:
        then = {"added": list(added), "method": method, "embedder": embedder and embedder.row()}
    query = "select name from documents where document_id in (select unnest($added::text[]))"
    replaced = {name for (name,) in conn.execute(query, {"added": list(added)}).fetchall()}
    kept = [one["document_id"] for one in of_index(conn, before) if one["name"] not in replaced] if before else []
    listed = [*kept, *added]
    if embedder and vectors.missing(conn, embedder, listed):
        return {"job": vectors.order(conn, embedder, listed, then, task_id=task_id, by=by)}
    return {"index": save(conn, by, task_id, listed, method, embedder)}


def go_on(job: Job) -> Callable[[duckdb.DuckDBPyConnection], dict[str, Any]]:
    """What to do in the change that ends a job for vectors: the version they were for, or a job for what came since."""
    then = dict(job.spec["then"])
    if then.get("embedder"):
        then["embedder"] = Embedder(**then["embedder"])
    assert job.task_id is not None, "a knowledge base is a task's"
    return partial(settle, by=job.by, task_id=job.task_id, **then)


def save(
    conn: duckdb.DuckDBPyConnection,
    by: str,
    task_id: str,
    document_ids: Sequence[str],
    method: Method,
    embedder: Embedder | None,
) -> str:
    """The bare version, for a caller that is inside a change already and has kept its vectors; returns its id."""
    listed = sorted(document_ids)
    named: dict[str, Any] = {"documents": listed, "words": words.WORDS}
    row: dict[str, Any] = {"task_id": task_id, "documents": listed, "method": method}
    if embedder:
        row["vectors"] = vectors.digest(vectors.of_documents(conn, embedder, listed))
        row["embedder"] = content.canonical(embedder.row())
        named |= {"method": method, "embedder": embedder.embedder_id, "vectors": row["vectors"]}
    query = "select count(*) as passages from passages where list_contains($listed, document_id)"
    before = newest(conn, task_id)
    row |= {"index_id": content.name("index", named), "number": before.number + 1 if before else 1}
    row |= database.row(conn, query, {"listed": listed}) or {}
    database.insert(conn, "indexes", [{**row, "created_by": by, "created_at": database.now()}])
    return str(row["index_id"])


def versions(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[Index]:
    """The task's versions, the newest first."""
    found = database.rows(conn, "select * from indexes where task_id = ? order by number desc", [task_id])
    return [_read(row) for row in found]


def newest(conn: duckdb.DuckDBPyConnection, task_id: str) -> Index | None:
    return next(iter(versions(conn, task_id)), None)


def find(conn: duckdb.DuckDBPyConnection, index_id: str) -> Index | None:
    row = database.row(conn, "select * from indexes where index_id = ? order by number limit 1", [index_id])
    return _read(row) if row else None


def _read(row: dict[str, Any]) -> Index:
    embedder = Embedder(**json.loads(row["embedder"])) if row["embedder"] else None
    return Index(**{**row, "documents": tuple(row["documents"]), "embedder": embedder})


def of_index(conn: duckdb.DuckDBPyConnection, index: Index) -> list[dict[str, Any]]:
    """The version's documents by name, each with its number of `passages`."""
    query = """
        select d.*, count(p.passage_id) as passages from documents as d left join passages as p using (document_id)
        where list_contains($listed, document_id) group by all order by name
    """
    return database.rows(conn, query, {"listed": list(index.documents)})


def of_document(conn: duckdb.DuckDBPyConnection, document_id: str) -> list[Passage]:
    """The passages of one document in its order."""
    query = """
        select passage_id, d.name as document, place, page, section, text
        from passages join documents as d using (document_id) where document_id = ? order by place
    """
    return [Passage(**row) for row in database.rows(conn, query, [document_id])]


def passages_of(conn: duckdb.DuckDBPyConnection, passage_ids: Sequence[str]) -> list[Passage]:
    """The passages in the order of their ids."""
    query = """
        select passage_id, d.name as document, place, page, section, text
        from passages join documents as d using (document_id) where list_contains($ids, passage_id)
    """
    found = {row["passage_id"]: Passage(**row) for row in database.rows(conn, query, {"ids": list(passage_ids)})}
    return [found[one] for one in passage_ids]


def search(
    conn: duckdb.DuckDBPyConnection, settings: Settings, index: Index, question: str, k: int
) -> list[tuple[Passage, float]]:
    """The best up to `k` passages for the question, each with the score of the index's method."""
    return search_all(conn, settings, index, [question], k)[0]


def search_all(
    conn: duckdb.DuckDBPyConnection, settings: Settings, index: Index, questions: Sequence[str], k: int
) -> list[list[tuple[Passage, float]]]:
    """The same for many questions, whose vectors are asked for together. Raises Refusal when they cannot be had."""
    if not 1 <= k <= MOST_SHOWN:
        raise Refusal(N_("Between 1 and %(most)s passages can be looked up."), most=MOST_SHOWN)
    found = searching.search_all(folder(conn, settings, index), questions, k)
    wanted = list(dict.fromkeys(hit.passage_id for hits in found for hit in hits))
    there = dict(zip(wanted, passages_of(conn, wanted), strict=True))
    return [[(there[hit.passage_id], hit.score) for hit in hits] for hits in found]


def folder(conn: duckdb.DuckDBPyConnection, settings: Settings, index: Index) -> Path:
    """Where the version's index lies; it is built from the database when it is not there."""
    path = settings.knowledge / index.index_id
    if not path.exists():
        kept = vectors.of_documents(conn, index.embedder, index.documents) if index.embedder else None
        searching.build(path, passages.texts(conn, index.documents), index.method, index.embedder, kept)
    return path
