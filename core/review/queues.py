"""Queues: which answers wait for raters, in a stored random order that mixes the versions."""

import random
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import tasks
from core.locale.mark import N_
from core.store import audit, database


def create(
    conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, run_ids: Sequence[str], limit: int | None = None
) -> str:
    """Put the runs' answers into a queue, shuffled with a seed that is kept; returns the queue's id.

    `limit` draws that many at random. Raises Refusal when the runs have no answers yet.
    """
    roles.require(by, "run.start")
    query = "select answer_id from answers where list_contains($runs, run_id) and text is not null order by answer_id"
    answers = [one for (one,) in conn.execute(query, {"runs": list(run_ids)}).fetchall()]
    if not answers:
        raise Refusal(N_("These runs have no answers to rate yet. Wait until some are in."))
    seed = random.SystemRandom().randrange(2**31)
    random.Random(seed).shuffle(answers)
    queue_id = uuid4().hex
    detail = {"runs": list(run_ids), "answers": len(answers[:limit]), "seed": seed}
    with audit.change(conn, actor=by.person_id, act="queue.created", subject=queue_id, detail=detail):
        row = {"queue_id": queue_id, "task_id": task_id, "rubric_id": tasks.rubric(conn, task_id)["rubric_id"]}
        row |= {"run_ids": list(run_ids), "seed": seed, "created_by": by.person_id, "created_at": database.now()}
        database.insert(conn, "queues", [row])
        items = [
            {"queue_id": queue_id, "position": position, "answer_id": answer}
            for position, answer in enumerate(answers[:limit])
        ]
        database.insert(conn, "queue_items", items)
    return queue_id


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str, rater: str) -> list[dict[str, Any]]:
    """The task's queues, the newest first, with `purpose`, `split`, `set_name`, `total` and `done` by the rater."""
    query = """
        with mine as (
            select queue_id, answer_id, verdict from ratings where rater = $rater
            qualify row_number() over (partition by queue_id, answer_id order by rating_id desc) = 1
        )
        select q.queue_id, q.created_at, any_value(r.purpose) as purpose, any_value(r.split) as split,
            any_value(s.name) as set_name, count(*) as total,
            count(*) filter (m.verdict in ('pass', 'fail', 'skip')) as done
        from queues as q join queue_items as i using (queue_id)
        join answers as a using (answer_id) join runs as r using (run_id) join eval_sets as s using (eval_set_id)
        left join mine as m on m.queue_id = q.queue_id and m.answer_id = i.answer_id
        where q.task_id = $task group by all order by q.created_at desc
    """
    return database.rows(conn, query, {"task": task_id, "rater": rater})
