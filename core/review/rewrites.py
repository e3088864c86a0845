"""Rounds of repair on their way to a worker and back: a job that is handed what is asked while it is at work."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from core.evaluation import decodings, eval_sets, models
from core.jobs import folder as job_folder
from core.jobs import jobs
from core.jobs.jobs import Job
from core.locale import catalogue
from core.locale.mark import N_
from core.review import rewriting, rubrics
from core.store import audit, database

LEAST_TOKENS = 256
IDLE_S = 120.0
"""So long the worker keeps the model loaded after the last rewrite."""
EMPTY = N_("The model gave an empty text.")


def new_job(conn: duckdb.DuckDBPyConnection, task_id: str | None, model_id: str, by: str) -> str:
    """Queue a job for that model; the bare row, for a caller that is inside a change already. Returns its id."""
    job = Job(
        job_id=uuid4().hex,
        kind="rewrite",
        task_id=task_id,
        title=N_("Rewriting answers for raters"),
        values={},
        spec={"model": model_id},
        by=by,
    )
    jobs.insert(conn, job)
    return job.job_id


def inputs(conn: duckdb.DuckDBPyConnection, job: Job, folder: Path) -> dict[str, Any]:
    """What the worker needs: the spec, and the rounds that wait, as files."""
    model = models.find(conn, job.spec["model"])
    assert model is not None, "a model is chosen among those that are registered"
    hand_over(conn, job.job_id, folder)
    return {"kind": "rewrite", "model": models.for_worker(conn, model), "idle_s": IDLE_S}


def hand_over(conn: duckdb.DuckDBPyConnection, job_id: str, folder: Path) -> None:
    """Write a file for every round that waits for this job and has none yet."""
    asked = folder / "asked"
    asked.mkdir(exist_ok=True)
    query = """
        select w.rewrite_id, w.queue_id, w.answer_id, w.rater, w.round, w.before, p.input, p.context, r.eval_set_id
        from rewrites as w join answers as a using (answer_id) join samples as p using (sample_id)
        join runs as r using (run_id) where w.job_id = ? and w.text is null and w.failure is null
    """
    for row in database.rows(conn, query, [job_id]):
        path = asked / f"{row['rewrite_id']}.json"
        if not path.exists():
            job_folder.write_json(path, _item(conn, row))


def _item(conn: duckdb.DuckDBPyConnection, row: Mapping[str, Any]) -> dict[str, Any]:
    query = """
        select wrong from rewrites where queue_id = $queue_id and answer_id = $answer_id and rater = $rater
            and round <= $round order by round
    """
    place = {name: row[name] for name in ("queue_id", "answer_id", "rater", "round")}
    said = [wrong for (wrong,) in conn.execute(query, place).fetchall()]
    eval_set = eval_sets.find(conn, row["eval_set_id"])
    messages = rewriting.messages(
        question=row["input"],
        context=row["context"],
        guidelines=catalogue.either("en", rubrics.of_queue(conn, row["queue_id"]).guidelines),
        answer=row["before"],
        wrong=said,
    )
    return {
        "rewrite_id": row["rewrite_id"],
        "messages": messages,
        "schema": eval_set.schema if eval_set else None,
        "max_new_tokens": max(LEAST_TOKENS, 2 * decodings.tokens(row["before"])),
        "before": row["before"],
        "said": said,
    }


def keep(conn: duckdb.DuckDBPyConnection, job_id: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Store what came back; what is there already is left alone. Returns how many were new."""
    query = "select rewrite_id from rewrites where job_id = ? and text is null and failure is null"
    open_ones = {one for (one,) in conn.execute(query, [job_id]).fetchall()}
    new = [row for row in {row["rewrite_id"]: row for row in rows}.values() if row["rewrite_id"] in open_ones]
    if not new:
        return 0
    with audit.change(conn, actor="worker", act="answers.rewritten", subject=job_id, detail={"rewrites": len(new)}):
        for row in new:
            empty = row["failure"] is None and not row["text"]
            values = {
                **row,
                "text": row["text"] or None,
                "failure": EMPTY if empty else row["failure"],
                "failure_values": json.dumps(row["failure_values"]) if row["failure_values"] else None,
                "now": database.now(),
            }
            conn.execute(_KEEP, values)
    return len(new)


_KEEP = """
    update rewrites set text = $text, failure = $failure, failure_code = $failure_code,
        failure_values = $failure_values, prompt_tokens = $prompt_tokens, completion_tokens = $completion_tokens,
        latency_s = $latency_s, ended_at = $now
    where rewrite_id = $rewrite_id
"""


def go_on(job: Job) -> Callable[[duckdb.DuckDBPyConnection], dict[str, Any]]:
    """What to do in the change that ends the job: what was asked while its worker was leaving gets a new one."""

    def inside(conn: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        query = "select 1 from rewrites where job_id = ? and text is null and failure is null limit 1"
        if database.row(conn, query, [job.job_id]) is None:
            return {}
        after = new_job(conn, job.task_id, job.spec["model"], job.by)
        moved = "update rewrites set job_id = ? where job_id = ? and text is null and failure is null"
        conn.execute(moved, [after, job.job_id])
        return {"goes_on_in": after}

    return inside
