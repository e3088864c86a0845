"""Ratings: one person's judgement of one answer, appended and never changed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.review import claims
from core.store import audit, database

Verdict = Literal["pass", "fail", "skip"]
Origin = Literal["typed", "reference", "none"]

LONGEST_LOOK_S = 600
"""Who takes longer between two judgements has been away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What a rater says of one answer. `origin` tells whether the correction was typed or is the sample's reference."""

    queue_id: str
    answer_id: str
    verdict: Verdict
    error_types: Sequence[str] = ()
    note: str = ""
    correction: str | None = None
    origin: Origin = "none"

    def __post_init__(self) -> None:
        if self.verdict not in get_args(Verdict):
            raise Refusal(N_("“%(verdict)s” is not a verdict. Choose pass, fail or skip."), verdict=self.verdict)
        if self.correction is not None and not self.correction.strip():
            raise Refusal(N_("The corrected answer is empty. Write the right answer, or leave the correction out."))
        if self.verdict != "fail" and self.correction is not None:
            raise Refusal(N_("An answer that had to be corrected does not pass. Choose fail, or take the change back."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An answer as its rater may see it: nothing here tells which prompt or model wrote it."""

    answer_id: str
    position: int
    text: str
    input: str
    context: str
    reference: str


def waiting(conn: duckdb.DuckDBPyConnection, queue_id: str, rater: str, limit: int = 1) -> list[Item]:
    """The next answers for the rater, in the queue's order; the rater holds them until the claims expire."""
    query = """
        select i.answer_id, i.position, a.text, p.input, p.context, p.reference
        from queue_items as i join answers as a using (answer_id) join samples as p using (sample_id)
        join (select unnest($taken::text[]) as answer_id) as t using (answer_id)
        where i.queue_id = $queue order by i.position
    """
    taken = claims.take(conn, queue_id, rater, limit)
    return [Item(**row) for row in database.rows(conn, query, {"queue": queue_id, "taken": taken})]


def pace(conn: duckdb.DuckDBPyConnection, queue_id: str, rater: str) -> float | None:
    """The rater's seconds per answer in this queue: the median between judgements, breaks left out; None at first."""
    query = """
        with mine as (
            select epoch(rated_at - lag(rated_at) over (order by rating_id)) as seconds, verdict from ratings
            where queue_id = $queue and rater = $rater
        )
        select median(seconds) as pace from mine where verdict <> 'undone' and seconds < $longest
    """
    row = database.row(conn, query, {"queue": queue_id, "rater": rater, "longest": LONGEST_LOOK_S})
    return row["pace"] if row else None


def record(conn: duckdb.DuckDBPyConnection, rating: Rating, *, by: Person) -> None:
    """Add the rating; it supersedes the rater's earlier one for the same answer.

    The same rating sent twice (a double click, a second tab) is kept once. Raises Refusal when the answer is not in
    the queue, when the queue is for others, or when an error type is not one of the task's.
    """
    roles.require(by, "rate")
    known = database.row(
        conn,
        """
        select t.error_types, q.raters
        from queue_items as i join queues as q using (queue_id) join tasks as t using (task_id)
        where i.queue_id = $queue and i.answer_id = $answer
        """,
        {"queue": rating.queue_id, "answer": rating.answer_id},
    )
    if known is None:
        raise Refusal(N_("This answer is not in the queue any more. Go back to the list of queues."))
    if known["raters"] and by.person_id not in known["raters"]:
        raise Refusal(N_("This queue is for other raters. Ask the operator to make one for you."))
    types = {one["id"] for one in json.loads(known["error_types"])}
    if unknown := set(rating.error_types) - types:
        raise Refusal(N_("“%(type)s” is not an error type of this task. Choose one of the list."), type=min(unknown))
    latest = current(conn, rating.queue_id, rating.answer_id, by.person_id)
    said: dict[str, Any] = {
        "verdict": rating.verdict,
        "error_types": list(rating.error_types),
        "note": rating.note,
        "correction": rating.correction,
        "origin": rating.origin,
    }
    if latest is not None and said == {key: latest[key] for key in said}:
        return
    _append(conn, rating.queue_id, rating.answer_id, by.person_id, said, latest)


def undo(conn: duckdb.DuckDBPyConnection, queue_id: str, *, by: Person) -> str | None:
    """Take back the rater's newest judgement in the queue; the answer waits again. Returns its id, or None.

    What a lead has decided since stays as it is.
    """
    query = """
        with mine as (
            select * from ratings where queue_id = $queue and rater = $rater
            qualify row_number() over (partition by answer_id order by rating_id desc) = 1
        )
        select * from mine as m where verdict <> 'undone'
            and not exists (from decisions as d where d.queue_id = $queue and d.answer_id = m.answer_id)
        order by rating_id desc limit 1
    """
    roles.require(by, "rate")
    latest = database.row(conn, query, {"queue": queue_id, "rater": by.person_id})
    if latest is None:
        return None
    said: dict[str, Any] = {"verdict": "undone", "error_types": [], "note": "", "correction": None, "origin": "none"}
    _append(conn, queue_id, latest["answer_id"], by.person_id, said, latest)
    return str(latest["answer_id"])


def _append(
    conn: duckdb.DuckDBPyConnection,
    queue_id: str,
    answer_id: str,
    rater: str,
    said: dict[str, Any],
    latest: dict[str, Any] | None,
) -> None:
    detail = {"queue": queue_id, "verdict": said["verdict"], "corrected": said["correction"] is not None}
    with audit.change(conn, actor=rater, act="answer.rated", subject=answer_id, detail=detail):
        row = {"queue_id": queue_id, "answer_id": answer_id, "rater": rater, **said}
        row |= {"supersedes": latest["rating_id"] if latest else None, "rated_at": database.now()}
        database.insert(conn, "ratings", [row])


def current(conn: duckdb.DuckDBPyConnection, queue_id: str, answer_id: str, rater: str) -> dict[str, Any] | None:
    """The rater's newest row for the answer in this queue, or None; an undone one is a row, too."""
    return database.row(
        conn,
        """
        select * from ratings where queue_id = $queue and answer_id = $answer and rater = $rater
        order by rating_id desc limit 1
        """,
        {"queue": queue_id, "answer": answer_id, "rater": rater},
    )
