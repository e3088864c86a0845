"""Adjudication: where raters differ, a lead decides and says why. The ratings stay as they are.

Raters differ when some pass an answer and others fail it or, on the scale of five, when their points lie two or more
apart: 1 and 3 say different things of an answer that fails, 4 and 5 do not of one that passes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.review import blindness, repair, rubrics
from core.store import audit, database


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the lead says of one disputed answer, and why. `points` are for rubrics on the scale of five."""

    queue_id: str
    answer_id: str
    verdict: Literal["pass", "fail"]
    reason: str
    points: int | None = None
    error_types: Sequence[str] = ()
    correction: str | None = None

    def __post_init__(self) -> None:
        if self.verdict not in ("pass", "fail"):
            raise Refusal(N_("“%(verdict)s” decides nothing. Choose pass or fail."), verdict=self.verdict)
        if not self.reason.strip():
            raise Refusal(N_("A decision needs a reason. Say in a few words what settled it."))
        if self.correction is not None and not self.correction.strip():
            raise Refusal(N_("The corrected answer is empty. Write the right answer, or leave the correction out."))
        if self.verdict == "pass" and self.correction is not None:
            raise Refusal(N_("An answer that had to be corrected does not pass. Choose fail, or take the change back."))


def disputed(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's disputed items, the oldest queue first: texts, `queue_name`, `scale`, and `ratings`, one a rater.

    Nothing here tells which version wrote the answer: the lead decides as blind as the raters did. Who may still judge
    one of them is not shown it: see blindness.shown.
    """
    query = """
        select i.queue_id, q.name as queue_name, i.answer_id, a.text, p.input, p.context, p.reference,
            b.scale
        from queue_states as i join queues as q using (queue_id) join rubrics as b using (rubric_id)
        join answers as a using (answer_id) join samples as p using (sample_id)
        where q.task_id = $task and i.state = 'disputed' order by q.created_at, i.position
    """
    return [{**row, "ratings": ratings(conn, row)} for row in database.rows(conn, query, {"task": task_id})]


def ratings(conn: duckdb.DuckDBPyConnection, item: dict[str, Any]) -> list[dict[str, Any]]:
    """What each rater says now of an item, by name: verdict, points, error types, note and correction."""
    query = """
        select rating_id, rater, verdict, points, error_types, note, correction, rated_at from queue_ratings
        where queue_id = $queue and answer_id = $answer and verdict in ('pass', 'fail') order by rater
    """
    return database.rows(conn, query, {"queue": item["queue_id"], "answer": item["answer_id"]})


def decide(conn: duckdb.DuckDBPyConnection, decision: Decision, *, by: Person) -> None:
    """Settle a disputed item; from now on the decision counts in the place of the ratings, which stay readable.

    A later decision supersedes it. Raises Refusal when the item is neither disputed nor decided, while it waits for
    the lead's own judgement, when an error type is not one of the task's, or when verdict and points do not fit the
    rubric.
    """
    roles.require(by, "adjudicate")
    item = {"queue_id": decision.queue_id, "answer_id": decision.answer_id}
    known = database.row(
        conn,
        """
        select t.error_types from queues as q join tasks as t using (task_id) where q.queue_id = $queue_id
        """,
        {"queue_id": decision.queue_id},
    )
    if known and (unknown := set(decision.error_types) - {one["id"] for one in json.loads(known["error_types"])}):
        raise Refusal(N_("“%(type)s” is not an error type of this task. Choose one of the list."), type=min(unknown))
    rubrics.check_points(rubrics.of_queue(conn, decision.queue_id).scale, decision.verdict, decision.points)
    origin, rewrite_id = repair.origin(conn, decision.queue_id, decision.answer_id, decision.correction)
    detail = {"queue": decision.queue_id, "verdict": decision.verdict, "corrected": decision.correction is not None}
    with audit.change(
        conn, actor=by.person_id, act="answer.adjudicated", subject=decision.answer_id, detail=detail
    ) as written:
        found = database.row(
            conn,
            "select state, decision from queue_states where queue_id = $queue_id and answer_id = $answer_id",
            item,
        )
        if found is None or (found["state"] != "disputed" and found["decision"] is None):
            raise Refusal(N_("Nobody disagrees about this answer (any more). Look at the list again."))
        blindness.refuse_open(conn, by.person_id, [decision.answer_id])
        said = ratings(conn, item)
        written["own"] = by.person_id in {one["rater"] for one in said}  # who rated may decide, but not unseen
        before = current(conn, decision.queue_id, decision.answer_id)
        row = {
            **item,
            "verdict": decision.verdict,
            "points": decision.points,
            "error_types": list(decision.error_types) if decision.verdict == "fail" else [],
            "reason": decision.reason.strip(),
            "correction": decision.correction,
            "origin": origin,
            "rewrite_id": rewrite_id,
            "supersedes": before["decision_id"] if before else None,
            "decided_by": by.person_id,
            "decided_at": database.now(),
        }
        conn.execute(
            """
            insert into decisions (queue_id, answer_id, verdict, points, error_types, reason, correction, origin,
                rewrite_id, rating_ids, supersedes, decided_by, decided_at)
            values ($queue_id, $answer_id, $verdict, $points, $error_types, $reason, $correction, $origin,
                $rewrite_id, $rating_ids, $supersedes, $decided_by, $decided_at)
            """,
            {**row, "rating_ids": [one["rating_id"] for one in said]},
        )


def current(conn: duckdb.DuckDBPyConnection, queue_id: str, answer_id: str) -> dict[str, Any] | None:
    """The decision that counts for the item, or None."""
    query = "select * from queue_decisions where queue_id = ? and answer_id = ?"
    return database.row(conn, query, [queue_id, answer_id])


def decided(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's decisions that count, the newest first, with the texts they were about; for blindness.shown, too."""
    query = """
        select d.*, q.name as queue_name, a.text, p.input from queue_decisions as d join queues as q using (queue_id)
        join answers as a using (answer_id) join samples as p using (sample_id)
        where q.task_id = ? order by d.decision_id desc
    """
    return database.rows(conn, query, [task_id])
