"""Ratings: one person's judgement of one answer, appended and never changed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import uuid4

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.review import claims, repair, rubrics, tallies
from core.store import audit, database

Verdict = Literal["pass", "fail", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What a rater says of one answer. `points` are for rubrics on the scale of five.

    Where a correction comes from is not said here: `record` finds it out.
    """

    queue_id: str
    answer_id: str
    verdict: Verdict
    points: int | None = None
    error_types: Sequence[str] = ()
    note: str = ""
    correction: str | None = None
    flagged: bool = False

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
    text: str
    input: str
    context: str
    reference: str
    cut: bool = False
    """Whether it ended because it was not allowed to become longer."""


class _AlreadySaidError(Exception):
    """Rolls a change back that would say nothing new."""


def waiting(conn: duckdb.DuckDBPyConnection, queue_id: str, rater: str, limit: int = 1) -> list[Item]:
    """The next answers for the rater, in the rater's order; the rater holds them until the claims expire."""
    query = """
        select answer_id, a.text, coalesce(a.cut, false) as cut, p.input, p.context, p.reference
        from answers as a join samples as p using (sample_id) where list_contains($taken::text[], answer_id)
        order by list_position($taken::text[], answer_id)
    """
    return [Item(**row) for row in database.rows(conn, query, {"taken": claims.take(conn, queue_id, rater, limit)})]


def record(
    conn: duckdb.DuckDBPyConnection, rating: Rating, *, by: Person, receipt: str | None = None, again: bool = True
) -> bool:
    """Add the rating; it supersedes the rater's earlier one for the same answer. Returns whether it was kept.

    The same rating sent twice (a double click, a second tab, the same `receipt`) is kept once. With `again` false, an
    answer that the rater has judged meanwhile elsewhere keeps that judgement. Raises Refusal when the answer is not
    in the queue or repeats the rater's own words, when the queue is for others, when an error type is not one of the
    task's, or when verdict and points do not fit the rubric.
    """
    roles.require(by, "rate")
    known = database.row(
        conn,
        """
        select t.error_types, q.raters, exists (from own_answers where rater = $rater and answer_id = $answer) as own
        from queue_items as i join queues as q using (queue_id) join tasks as t using (task_id)
        where i.queue_id = $queue and i.answer_id = $answer
        """,
        {"queue": rating.queue_id, "answer": rating.answer_id, "rater": by.person_id},
    )
    if known is None:
        raise Refusal(N_("This answer is not in the queue any more. Go back to the list of queues."))
    if known["raters"] and by.person_id not in known["raters"]:
        raise Refusal(N_("This queue is for other raters. Ask the operator to make one for you."))
    if known["own"]:
        raise Refusal(
            N_("This answer is word for word what you wrote as a correction, so others judge it. Go on to the next.")
        )
    types = {one["id"] for one in json.loads(known["error_types"])}
    if unknown := set(rating.error_types) - types:
        raise Refusal(N_("“%(type)s” is not an error type of this task. Choose one of the list."), type=min(unknown))
    rubrics.check_points(rubrics.of_queue(conn, rating.queue_id).scale, rating.verdict, rating.points)
    origin, rewrite_id = repair.origin(conn, rating.queue_id, rating.answer_id, rating.correction, by.person_id)
    said: dict[str, Any] = {
        "verdict": rating.verdict,
        "points": rating.points,
        "error_types": list(rating.error_types),
        "note": rating.note,
        "correction": rating.correction,
        "origin": origin,
        "rewrite_id": rewrite_id,
        "flagged": rating.flagged,
    }
    return _append(conn, rating.queue_id, rating.answer_id, by.person_id, said, receipt, again)


def undo(
    conn: duckdb.DuckDBPyConnection,
    queue_id: str,
    *,
    by: Person,
    answer_id: str | None = None,
    receipt: str | None = None,
) -> str | None:
    """Take back the rater's newest judgement in the queue, or the one of that answer, which waits again.

    Returns the answer's id, or None when there is nothing to take back (any more). What a lead has decided since stays.
    """
    roles.require(by, "rate")
    latest = next(iter(recent(conn, queue_id, by.person_id, 1, answer_id)), None)
    if latest is None:
        return None
    said: dict[str, Any] = {"verdict": "undone", "points": None, "error_types": [], "note": "", "correction": None}
    said |= {"origin": "none", "rewrite_id": None, "flagged": False}
    kept = _append(conn, queue_id, latest["answer_id"], by.person_id, said, receipt, again=True)
    return str(latest["answer_id"]) if kept else None


def recent(
    conn: duckdb.DuckDBPyConnection, queue_id: str, rater: str, limit: int, answer_id: str | None = None
) -> list[dict[str, Any]]:
    """The rater's newest judgements in the queue, of one answer if named, the newest first, with the texts.

    Those taken back are left out, and those that a lead has decided about.
    """
    query = """
        with mine as (
            select * from ratings where queue_id = $queue and rater = $rater
            qualify row_number() over (partition by answer_id order by rating_id desc) = 1
        ), newest as (
            select * from mine as m where verdict <> 'undone' and ($answer is null or answer_id = $answer)
                and not exists (from decisions as d where d.queue_id = $queue and d.answer_id = m.answer_id)
            order by rating_id desc limit $limit
        )
        select n.*, a.text, coalesce(a.cut, false) as cut, p.input, p.context, p.reference
        from newest as n join answers as a using (answer_id) join samples as p using (sample_id)
        order by rating_id desc
    """
    return database.rows(conn, query, {"queue": queue_id, "rater": rater, "limit": limit, "answer": answer_id})


def _append(
    conn: duckdb.DuckDBPyConnection,
    queue_id: str,
    answer_id: str,
    rater: str,
    said: dict[str, Any],
    receipt: str | None,
    again: bool,
) -> bool:
    receipt = receipt or uuid4().hex
    # Its hash, not what was said: others who still have to judge this answer may read the trail. The receipt is in it,
    # since a bare verdict could be guessed.
    detail = {"queue": queue_id, "said": content.digest({**said, "receipt": receipt})}
    try:
        with audit.change(conn, actor=rater, act="answer.rated", subject=answer_id, detail=detail):
            # Looked up in here, where one change at a time is made: two tabs may send the same at the same moment.
            latest = current(conn, queue_id, answer_id, rater)
            stands = latest is not None and latest["verdict"] != "undone"
            same = latest is not None and said == {key: latest[key] for key in said}
            if same or (stands and not again) or _has(conn, receipt):
                raise _AlreadySaidError
            row = {"queue_id": queue_id, "answer_id": answer_id, "rater": rater, **said, "receipt": receipt}
            row |= {"supersedes": latest["rating_id"] if latest else None, "rated_at": database.now()}
            database.insert(conn, "ratings", [row])
            tallies.keep(conn, answer_id)
    except _AlreadySaidError:
        return False
    return True


def _has(conn: duckdb.DuckDBPyConnection, receipt: str) -> bool:
    return conn.execute("select 1 from ratings where receipt = ?", [receipt]).fetchone() is not None


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
