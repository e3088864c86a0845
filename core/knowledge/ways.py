"""How a knowledge base is searched: a new version of the same documents, by words, by meaning, or by both."""

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.jobs import jobs
from core.knowledge import indexes
from core.knowledge.embedders import Embedder
from core.knowledge.searching import Method
from core.locale.mark import N_
from core.store import audit, database


def choose(
    conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, method: Method, embedder: Embedder | None = None
) -> str | None:
    """Make the version; only "bm25" goes without an embedder.

    Returns the job that makes it once its vectors are there, or None when it is there already.
    """
    roles.require(by, "knowledge.manage")
    if indexes.newest(conn, task_id) is None:
        raise Refusal(N_("This task has no documents yet. Add some first."))
    if method == "bm25":
        embedder = None
    elif embedder is None:
        raise Refusal(N_("Search by meaning needs a model for embeddings. Say where it answers."))
    with audit.change(conn, actor=by.person_id, act="knowledge.way_chosen", subject=task_id) as detail:
        settled = indexes.settle(conn, by.person_id, task_id, method=method, embedder=embedder)
        detail |= {"method": method, **settled}
    return settled.get("job")


def waiting(conn: duckdb.DuckDBPyConnection, task_id: str) -> str | None:
    """The job for vectors that the task's next version waits for: open, or ended without a version after it."""
    query = """
        select job_id from jobs where kind = 'index' and task_id = $task and (
            list_contains($open, state) or state <> 'done' and created_at >= (
                select max(created_at) from indexes where task_id = $task)
        ) order by number desc limit 1
    """
    row = database.row(conn, query, {"task": task_id, "open": list(jobs.OPEN)})
    return row["job_id"] if row else None
