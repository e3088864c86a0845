"""Vectors of passages, kept by their text and by what made them: a new index asks only for what is new."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.errors import Refusal
from core.jobs import folder as job_folder
from core.jobs import jobs
from core.jobs.jobs import Job
from core.knowledge import embedders
from core.knowledge.embedders import Embedder
from core.locale.mark import N_
from core.store import audit, database


def missing(conn: duckdb.DuckDBPyConnection, embedder: Embedder, document_ids: Sequence[str]) -> dict[str, str]:
    """The texts of the documents' passages that have no vector of this model yet, by `text_id`."""
    query = """
        select distinct sha256(p.section || chr(10) || p.text) as text_id, p.section || chr(10) || p.text as text
        from passages as p where list_contains($listed, p.document_id) and not exists (
            from vectors as v where v.embedder_id = $embedder and v.text_id = sha256(p.section || chr(10) || p.text)
        ) order by text_id
    """
    values = {"embedder": embedder.embedder_id, "listed": list(document_ids)}
    return dict(conn.execute(query, values).fetchall())


def order(
    conn: duckdb.DuckDBPyConnection,
    embedder: Embedder,
    document_ids: Sequence[str],
    then: Mapping[str, Any],
    *,
    task_id: str,
    by: str,
) -> str:
    """Queue a job for what is missing, for a caller that is inside a change already; returns its id.

    `then` is kept with the job, for whoever goes on once the vectors are there.
    """
    count = len(missing(conn, embedder, document_ids))
    spec = {"embedder": embedder.row(), "documents": list(document_ids), "texts": count, "then": dict(then)}
    title = N_("Vectors of %(passages)s passages by %(model)s")
    values = {"passages": count, "model": embedder.model}
    job = Job(job_id=uuid4().hex, kind="index", task_id=task_id, title=title, values=values, spec=spec, by=by)
    jobs.insert(conn, job)
    return job.job_id


def inputs(conn: duckdb.DuckDBPyConnection, job: Job, folder: Path) -> dict[str, Any]:
    """What the worker needs: the spec, and the texts without vectors as a file. Raises Refusal for another model."""
    embedder = Embedder(**job.spec["embedder"])
    embedders.check(embedder)
    wanted = missing(conn, embedder, job.spec["documents"])
    rows = ({"text_id": name, "text": text} for name, text in wanted.items())
    job_folder.write_lines(folder / "texts.jsonl", rows)
    query = "select len(vector) as length from vectors where embedder_id = ? limit 1"
    before = database.row(conn, query, [embedder.embedder_id])
    length = before["length"] if before else None
    return {"kind": "index", "embedder": embedder.row(), "total": job.spec["texts"], "length": length}


def keep(conn: duckdb.DuckDBPyConnection, job: Job, rows: Iterable[Mapping[str, Any]]) -> None:
    """Store the vectors that a worker brought; what is there stays."""
    new = {row["text_id"]: np.frombuffer(base64.b64decode(row["vector"]), dtype="<f4") for row in rows}
    if not new:
        return
    embedder = Embedder(**job.spec["embedder"])
    values = np.concatenate(list(new.values()))
    ends = np.arange(len(new) + 1, dtype=np.int32) * (len(values) // len(new))
    lists = pa.ListArray.from_arrays(pa.array(ends), pa.array(values))
    columns = {"embedder_id": [embedder.embedder_id] * len(new), "text_id": list(new), "vector": lists}
    detail = {"model": embedder.model, "vectors": len(new)}
    change = audit.change(conn, actor="worker", act="vectors.stored", subject=job.job_id, detail=detail)
    with change, database.offered(conn, pa.table(columns)):
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
    column = database.arrow(conn, query, values)["vector"].combine_chunks()
    if column.null_count:
        raise Refusal(N_("Somebody else changed the knowledge base meanwhile. Try again."))
    return np.asarray(column.flatten(), dtype=np.float32).reshape(len(column), -1)


def digest(vectors: NDArray[np.float32]) -> str:
    """SHA-256 of the numbers in their order, in hex."""
    return hashlib.sha256(np.ascontiguousarray(vectors, dtype="<f4").data).hexdigest()
