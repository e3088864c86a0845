"""How a knowledge base is searched: a new version of the same documents, by words, by meaning, or by both."""

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.knowledge import indexes, vectors
from core.knowledge.embedders import Embedder
from core.knowledge.searching import Method
from core.locale.mark import N_
from core.store import audit


def choose(
    conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, method: Method, embedder: Embedder | None = None
) -> None:
    """Make the version; only "bm25" goes without an embedder.

    All vectors are asked for first. Raises Refusal, with nothing kept, when one cannot be had.
    """
    roles.require(by, "knowledge.manage")
    before = indexes.newest(conn, task_id)
    if before is None:
        raise Refusal(N_("This task has no documents yet. Add some first."))
    new: vectors.Vectors = {}
    if method == "bm25":
        embedder = None
    elif embedder is None:
        raise Refusal(N_("Search by meaning needs a model for embeddings. Say where it answers."))
    else:
        new = vectors.ask(conn, embedder, [text for _, text in indexes.texts(conn, before.documents)])
    detail = {"method": method, "vectors": len(new)}
    with audit.change(conn, actor=by.person_id, act="knowledge.way_chosen", subject=task_id, detail=detail) as told:
        if embedder:
            vectors.keep(conn, embedder, new)
        told["index"] = indexes.save(conn, by, task_id, before.documents, method, embedder)
