"""Job rows: what was asked for, by whom, and how far it is. The work itself lives in the job's folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.jobs import folder as job_folder
from core.locale.mark import N_
from core.settings import Settings
from core.store import audit, database

State = Literal["queued", "running", "stopping", "stopped", "interrupted", "failed", "done"]
OPEN: tuple[State, ...] = ("queued", "running", "stopping")
RESUMABLE: tuple[State, ...] = ("stopped", "interrupted", "failed")


class Overtaken(Exception):
    """Somebody else has moved the job on since the caller saw it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of background work. `title` is a gettext id, filled in with `values`."""

    job_id: str
    kind: Literal["generate", "train", "fetch", "probe", "export", "rewrite", "index"]
    task_id: str | None
    title: str
    values: Mapping[str, Any]
    spec: Mapping[str, Any]
    by: str
    state: State = "queued"
    message: str = ""
    message_values: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    number: int = 0

    @property
    def lane(self) -> str:
        """The queue it waits in; one job of each runs at a time. Whatever may need this machine's device is in one."""
        if self.kind == "rewrite":
            return "awaited"  # somebody sits and waits for it
        if self.kind == "index" and not self.spec["embedder"]["path"]:
            return "endpoint"  # another machine makes the vectors
        return "device"


def folder_of(settings: Settings, job_id: str) -> Path:
    return settings.jobs / job_id


def insert(conn: duckdb.DuckDBPyConnection, job: Job) -> None:
    """The bare row, for a caller that is inside a change already."""
    row = {"job_id": job.job_id, "kind": job.kind, "task_id": job.task_id, "state": "queued", "created_by": job.by}
    row |= {"title": content.canonical({"message": job.title, "values": dict(job.values)})}
    row |= {"spec": content.canonical(dict(job.spec))}
    database.insert(conn, "jobs", [{**row, "created_at": database.now()}])


def find(conn: duckdb.DuckDBPyConnection, job_id: str) -> Job | None:
    row = database.row(conn, "select * from jobs where job_id = ?", [job_id])
    return _job(row) if row else None


def everything(conn: duckdb.DuckDBPyConnection, task_id: str | None = None) -> list[Job]:
    """The task's jobs and those of no task, or all; the newest first."""
    query = "select * from jobs where $task is null or task_id is null or task_id = $task order by number desc"
    return [_job(row) for row in database.rows(conn, query, {"task": task_id})]


def in_states(conn: duckdb.DuckDBPyConnection, *states: State) -> list[Job]:
    """Jobs in those states, the oldest first."""
    query = "select * from jobs where list_contains($states, state) order by number"
    return [_job(row) for row in database.rows(conn, query, {"states": list(states)})]


def place(conn: duckdb.DuckDBPyConnection, job: Job) -> int:
    """Where the job stands among those that wait with it; 1 is the next."""
    waiting = [one for one in in_states(conn, "queued") if one.lane == job.lane]
    return 1 + sum(one.number < job.number for one in waiting)


def stop(conn: duckdb.DuckDBPyConnection, settings: Settings, job_id: str, *, by: Person) -> None:
    """Ask the job to end; what it has finished is kept. Nothing happens to one that has ended."""
    roles.require(by, "job.stop")
    while (job := find(conn, job_id)) is not None and job.state in ("queued", "running"):
        try:
            with audit.change(conn, actor=by.person_id, act="job.stop_asked", subject=job_id):
                set_state(conn, job_id, "stopped" if job.state == "queued" else "stopping", seen=job.state)
        except Overtaken:
            continue  # it was launched in this moment
        if job.state == "running":
            job_folder.ask_to_stop(folder_of(settings, job_id))
        return


def resume(conn: duckdb.DuckDBPyConnection, settings: Settings, job_id: str, *, by: Person) -> None:
    """Queue an ended job again; it does only what is missing. Raises Refusal when it is done or still going."""
    roles.require(by, "job.stop")
    job = find(conn, job_id)
    if job is None or job.state not in RESUMABLE:
        raise Refusal(N_("This job is not stopped, so there is nothing to resume."))
    begin_again(settings, job_id)
    with audit.change(conn, actor=by.person_id, act="job.resumed", subject=job_id):
        queue_again(conn, job_id, job.spec)


def begin_again(settings: Settings, job_id: str) -> None:
    """Take away from the job's folder what says that it has ended."""
    for name in ("stop", "result.json"):
        (folder_of(settings, job_id) / name).unlink(missing_ok=True)


def queue_again(conn: duckdb.DuckDBPyConnection, job_id: str, spec: Mapping[str, Any]) -> None:
    """The bare update of an ended job, for a caller that is inside a change already."""
    set_state(conn, job_id, "queued")
    said = content.canonical(dict(spec))
    conn.execute("update jobs set attempts = 0, spec = ? where job_id = ?", [said, job_id])


def set_state(
    conn: duckdb.DuckDBPyConnection,
    job_id: str,
    state: State,
    message: str = "",
    values: Mapping[str, Any] | None = None,
    *,
    seen: State | None = None,
) -> None:
    """The bare update, for a caller that is inside a change already.

    Raises Overtaken when the job is no longer in the state `seen`: a stop may come while it is being launched.
    """
    said = (
        content.canonical({"message": message, "values": {k: str(v) for k, v in (values or {}).items()}})
        if message
        else ""
    )
    moved = conn.execute(
        """
        update jobs set state = $state, message = $said,
            started_at = case when $state = 'running' then $now else started_at end,
            ended_at = case when $state in ('stopped', 'interrupted', 'failed', 'done') then $now end,
            attempts = attempts + case when $state = 'running' then 1 else 0 end
        where job_id = $job_id and state = coalesce($seen, state) returning job_id
        """,
        {"state": state, "said": said, "now": database.now(), "job_id": job_id, "seen": seen},
    ).fetchall()
    if seen is not None and not moved:
        raise Overtaken(job_id)


def _job(row: dict[str, Any]) -> Job:
    title, said = json.loads(row["title"]), json.loads(row["message"] or '{"message": "", "values": {}}')
    return Job(
        job_id=row["job_id"],
        kind=row["kind"],
        task_id=row["task_id"],
        title=title["message"],
        values=title["values"],
        spec=json.loads(row["spec"]),
        by=row["created_by"],
        state=row["state"],
        message=said["message"],
        message_values=said["values"],
        attempts=row["attempts"],
        number=row["number"],
    )
