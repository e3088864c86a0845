"""Vectors of passages, kept by their text and by what made them: a new index asks only for what is new."""

import hashlib
from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.errors import Refusal
from core.knowledge import embedders
from core.knowledge.embedders import Embedder
from core.locale.mark import N_
from core.store import database

Vectors = Mapping[str, NDArray[np.float32]]
"""By `text_id`."""


def text_id(text: str) -> str:
    """The name of a passage's text, as the database makes it, too."""
    return hashlib.sha256(text.encode()).hexdigest()


def ask(conn: duckdb.DuckDBPyConnection, embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """The vectors that are not kept yet. To be asked for before a change begins: nobody else can write during one.

    Raises Refusal when one cannot be had, and when they do not fit those that the same model gave before.
    """
    named = {text_id(text): text for text in texts}
    query = "select text_id from vectors where embedder_id = ? and text_id in (select unnest(?::text[]))"
    there = {one for (one,) in conn.execute(query, [embedder.embedder_id, list(named)]).fetchall()}
    wanted = [one for one in named if one not in there]
    if not wanted:
        return {}
    found = embedders.passages(embedder, [named[one] for one in wanted])
    before = database.row(
        conn, "select len(vector) as length from vectors where embedder_id = ? limit 1", [embedder.embedder_id]
    )
    if before and before["length"] != found.shape[1]:
        raise Refusal(
            N_("The vectors of %(model)s have %(now)s numbers now, and had %(before)s before: it is another model. "
               "Let it answer under a name of its own."),
            model=embedder.model, now=found.shape[1], before=before["length"],
        )  # fmt: skip
    return dict(zip(wanted, found, strict=True))


def keep(conn: duckdb.DuckDBPyConnection, embedder: Embedder, new: Vectors) -> None:
    """Add these, for a caller that is inside a change already; what is there stays."""
    if not new:
        return
    values = np.concatenate(list(new.values()))
    ends = np.arange(len(new) + 1, dtype=np.int32) * (len(values) // len(new))
    lists = pa.ListArray.from_arrays(pa.array(ends), pa.array(values))
    columns = {"embedder_id": [embedder.embedder_id] * len(new), "text_id": list(new), "vector": lists}
    with database.offered(conn, pa.table(columns)):
        conn.execute("insert or ignore into vectors by name select * from incoming")


def of_documents(
    conn: duckdb.DuckDBPyConnection, embedder: Embedder, document_ids: Sequence[str]
) -> NDArray[np.float32]:
    """The vectors of the documents' passages in the order of an index, passages × dimensions.

    Raises Refusal when one is missing, since the documents were changed while others were asked for.
    """
    query = """
        select v.vector from passages as p
        left join vectors as v on v.embedder_id = $embedder and v.text_id = sha256(p.section || chr(10) || p.text)
        where list_contains($listed, p.document_id) order by p.document_id, p.place
    """
    values = {"embedder": embedder.embedder_id, "listed": list(document_ids)}
    column = conn.sql(query, params=values).to_arrow_table()["vector"].combine_chunks()
    if column.null_count:
        raise Refusal(N_("Somebody else changed the knowledge base meanwhile. Try again."))
    return np.asarray(column.flatten(), dtype=np.float32).reshape(len(column), -1)


def digest(vectors: NDArray[np.float32]) -> str:
    """SHA-256 of the numbers in their order, in hex."""
    return hashlib.sha256(np.ascontiguousarray(vectors, dtype="<f4").data).hexdigest()
