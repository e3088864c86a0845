"""Flags: a rater says that somebody else should look at an answer. A lead does, and closes the flag with a reason."""

from typing import Any

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.review import blindness
from core.store import audit, database


def standing(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's flags that nobody has closed, the oldest first: one row a rating that is flagged and stands.

    With `rating_id`, `rater`, `verdict`, `points`, `error_types`, `note`, `correction`, `rated_at`, the answer's texts
    and `queue_name`. Who may still judge an answer is not shown it: see blindness.shown.
    """
    query = """
        select r.rating_id, r.queue_id, r.answer_id, r.rater, r.verdict, r.points, r.error_types, r.note, r.correction,
            r.rated_at, q.name as queue_name, a.text, p.input, p.context
        from standing_ratings as r join queues as q using (queue_id) join answers as a using (answer_id)
        join samples as p using (sample_id) anti join flag_closings as c on c.rating_id = r.rating_id
        where q.task_id = ? and r.flagged and r.verdict <> 'undone' order by r.rating_id
    """
    return database.rows(conn, query, [task_id])


def closed(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's flags that were closed, the newest first: texts, `rater`, `note`, `reason`, `closed_by`, `closed_at`.

    Kept even where the rating has been taken back since. For blindness.shown, too.
    """
    query = """
        select c.flag_closing_id, c.reason, c.closed_by, c.closed_at, r.answer_id, r.rater, r.note, a.text, p.input
        from flag_closings as c join ratings as r using (rating_id) join queues as q using (queue_id)
        join answers as a using (answer_id) join samples as p using (sample_id)
        where q.task_id = ? order by c.flag_closing_id desc
    """
    return database.rows(conn, query, [task_id])


def close(conn: duckdb.DuckDBPyConnection, rating_id: int, *, by: Person, reason: str) -> None:
    """Say what came of a flag; the rating stays as it is. Raises Refusal without a reason, or when it is not standing
    (any more): closed by somebody else, or taken back."""
    roles.require(by, "adjudicate")
    if not reason.strip():
        raise Refusal(N_("Closing a flag needs a reason. Say in a few words what came of it."))
    query = "select answer_id, queue_id, rater from ratings where rating_id = ?"
    known = database.row(conn, query, [rating_id]) or {"answer_id": str(rating_id), "queue_id": None, "rater": None}
    detail = {"queue": known["queue_id"], "rater": known["rater"], "reason": reason.strip()}
    with audit.change(conn, actor=by.person_id, act="flag.closed", subject=known["answer_id"], detail=detail):
        query = """
            select 1 from standing_ratings as r anti join flag_closings as c on c.rating_id = r.rating_id
            where r.rating_id = ? and r.flagged and r.verdict <> 'undone'
        """
        if database.row(conn, query, [rating_id]) is None:
            raise Refusal(N_("This flag is closed already, or was taken back. Look at the list again."))
        blindness.refuse_open(conn, by.person_id, [known["answer_id"]])
        row = {"rating_id": rating_id, "reason": reason.strip(), "closed_by": by.person_id}
        database.insert(conn, "flag_closings", [{**row, "closed_at": database.now()}])
