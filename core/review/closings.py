"""What ends without a verdict: items that everybody skipped, and queues whose time is up."""

from datetime import date
from typing import Any

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.review import tallies
from core.store import audit, database


def stuck(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The items that nobody is left to judge, the oldest queue first: all who could judge have spoken, and somebody
    skipped them or may not judge them, since they are in that person's own words.

    Those are the raters named who are active; where nobody is named, everybody who has judged in the queue. Each item
    with its texts, `queue_name` and `skips`: `rater` and `note` (the reason, if one was given). Nothing tells the
    version.
    """
    query = """
        with could as (
            select q.queue_id, e.person_id as rater from queues as q
            join people as e on e.active and list_contains(q.raters, e.person_id)
            where q.task_id = $task
            union
            select q.queue_id, r.rater from queues as q join ratings as r using (queue_id)
            where q.task_id = $task and len(q.raters) = 0
        ), spoken as (
            select c.queue_id, r.answer_id, count(*) as n from could as c
            join queue_ratings as r on r.queue_id = c.queue_id and r.rater = c.rater and r.verdict <> 'undone'
            group by c.queue_id, r.answer_id
        ), wrote as (  -- nobody judges their own words
            select c.queue_id, o.answer_id, count(distinct c.rater) as n
            from could as c join own_answers as o using (rater) join queue_items as i using (queue_id, answer_id)
            anti join queue_ratings as r
                on r.queue_id = c.queue_id and r.answer_id = o.answer_id and r.rater = c.rater and r.verdict <> 'undone'
            group by c.queue_id, o.answer_id
        ), asked as (select queue_id, count(*) as n from could group by queue_id)
        select i.queue_id, q.name as queue_name, i.answer_id, a.text, p.input, p.context
        from queue_states as i join queues as q using (queue_id) join answers as a using (answer_id)
        join samples as p using (sample_id) left join asked as o on o.queue_id = i.queue_id
        left join spoken as s on s.queue_id = i.queue_id and s.answer_id = i.answer_id
        left join wrote as w on w.queue_id = i.queue_id and w.answer_id = i.answer_id
        where q.task_id = $task and i.is_open and (i.skipped > 0 or w.n > 0)
            and i.state in ('waiting', 'needs_others')
            and coalesce(s.n, 0) + coalesce(w.n, 0) >= coalesce(o.n, 0)
        order by q.created_at, i.position
    """
    return [{**row, "skips": _skips(conn, row)} for row in database.rows(conn, query, {"task": task_id})]


def _skips(conn: duckdb.DuckDBPyConnection, item: dict[str, Any]) -> list[dict[str, Any]]:
    query = """
        select rater, note from queue_ratings
        where queue_id = $queue and answer_id = $answer and verdict = 'skip' order by rater
    """
    return database.rows(conn, query, {"queue": item["queue_id"], "answer": item["answer_id"]})


def close_item(conn: duckdb.DuckDBPyConnection, queue_id: str, answer_id: str, *, by: Person, reason: str) -> None:
    """Ask nobody about the item any more; what was said of it stays readable and counts nowhere.

    Raises Refusal without a reason, or when somebody is left who may judge it.
    """
    roles.require(by, "run.start")
    if not reason.strip():
        raise Refusal(N_("Closing needs a reason. Say in a few words why nobody has to judge this."))
    _move(conn, queue_id, answer_id, "closed", reason, by)


def put_back(conn: duckdb.DuckDBPyConnection, queue_id: str, answer_id: str, *, by: Person, reason: str = "") -> None:
    """Offer the item again to those who skipped it: each skip is taken back, and stays readable with its note.

    Raises Refusal when the item is neither stuck nor closed.
    """
    roles.require(by, "run.start")
    _move(conn, queue_id, answer_id, "put_back", reason, by)


def _move(conn: duckdb.DuckDBPyConnection, queue_id: str, answer_id: str, act: str, reason: str, by: Person) -> None:
    detail: dict[str, Any] = {"queue": queue_id, "reason": reason.strip()}
    with audit.change(conn, actor=by.person_id, act=f"item.{act}", subject=answer_id, detail=detail) as written:
        place = {"queue_id": queue_id, "answer_id": answer_id}
        query = """
            select q.task_id, c.act from queues as q left join closings as c
                on c.queue_id = q.queue_id and c.answer_id = $answer_id
            where q.queue_id = $queue_id order by c.closing_id desc limit 1
        """
        known = database.row(conn, query, place)
        closed = known is not None and known["act"] == "closed"
        waits = known is not None and any(
            (one["queue_id"], one["answer_id"]) == (queue_id, answer_id) for one in stuck(conn, known["task_id"])
        )
        if not waits and (act == "closed" or not closed):
            raise Refusal(N_("Somebody may still judge this answer, or it is closed already. Look at the list again."))
        row = {**place, "act": act, "reason": reason.strip(), "closed_by": by.person_id}
        database.insert(conn, "closings", [{**row, "closed_at": database.now()}])
        if act == "put_back":
            written["raters"] = _take_skips_back(conn, queue_id, answer_id)


def _take_skips_back(conn: duckdb.DuckDBPyConnection, queue_id: str, answer_id: str) -> list[str]:
    place = {"queue": queue_id, "answer": answer_id}
    query = """
        select rating_id, rater from queue_ratings
        where queue_id = $queue and answer_id = $answer and verdict = 'skip' order by rater
    """
    skipped = database.rows(conn, query, place)
    empty: dict[str, Any] = {"verdict": "undone", "error_types": [], "note": "", "origin": "none", "flagged": False}
    rows = [
        {"queue_id": queue_id, "answer_id": answer_id, "rater": one["rater"], **empty}
        | {"supersedes": one["rating_id"], "rated_at": database.now()}
        for one in skipped
    ]
    database.insert(conn, "ratings", rows)
    tallies.keep(conn, answer_id)
    return [one["rater"] for one in skipped]


def closed_items(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The items that were closed one by one, the newest first, with `queue_name`, texts, `reason` and `closed_by`."""
    query = """
        select c.*, q.name as queue_name, a.text, p.input from closings as c join queues as q using (queue_id)
        join answers as a using (answer_id) join samples as p using (sample_id)
        where q.task_id = ?
        qualify row_number() over (partition by c.queue_id, c.answer_id order by c.closing_id desc) = 1
        order by c.closing_id desc
    """
    return [row for row in database.rows(conn, query, [task_id]) if row["act"] == "closed"]


def is_late(deadline: date | None, closed_at: Any, left: int) -> bool:
    """Whether a queue's last day is over (by the UTC date) while it is open and something is left to do."""
    return deadline is not None and closed_at is None and left > 0 and deadline < database.now().date()


def late(conn: duckdb.DuckDBPyConnection, task_id: str) -> int:
    """How many of the task's queues are late."""
    query = """
        select count(distinct q.queue_id) as n from queues as q join queue_states as i using (queue_id)
        where q.task_id = $task and q.deadline < $today and q.closed_at is null
            and i.state in ('waiting', 'needs_others')
    """
    row = database.row(conn, query, {"task": task_id, "today": database.now().date()})
    return int(row["n"]) if row else 0


def extend(conn: duckdb.DuckDBPyConnection, queue_id: str, deadline: date, *, by: Person) -> None:
    """Give the queue another last day; a closed one is open again. Raises Refusal for a day that is over."""
    roles.require(by, "run.start")
    if deadline < database.now().date():
        raise Refusal(N_("%(day)s is over. Choose a day to come."), day=deadline)
    detail = {"deadline": str(deadline)}
    with audit.change(conn, actor=by.person_id, act="queue.extended", subject=queue_id, detail=detail):
        query = "update queues set deadline = ?, closed_by = null, closed_at = null where queue_id = ?"
        conn.execute(query, [deadline, queue_id])


def close_queue(conn: duckdb.DuckDBPyConnection, queue_id: str, *, by: Person) -> None:
    """Offer nothing of the queue any more. What was said counts, disputes can be decided, and what was on a rater's
    screen at that moment is still kept."""
    roles.require(by, "run.start")
    with audit.change(conn, actor=by.person_id, act="queue.closed", subject=queue_id):
        query = "update queues set closed_by = ?, closed_at = ? where queue_id = ? and closed_at is null"
        conn.execute(query, [by.person_id, database.now(), queue_id])
