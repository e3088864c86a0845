"""Repair: an expert says what is wrong with an answer, and a model rewrites it, round by round, until it is right.

The rewritten text goes back to the expert, who takes it, edits it or asks again. Where a correction's words come from
is found out here, from what was asked and what came back: nobody can claim it.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal
from uuid import uuid4

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import models
from core.evaluation.models import Model
from core.generation.failures import MESSAGES
from core.locale.mark import N_
from core.review import rewrites, rewriting
from core.store import audit, database

Origin = Literal["typed", "reference", "rewritten", "edited", "none"]
"""Of a correction's words: the person's own, the sample's reference, a model's as they came, or a model's edited."""

MOST_ROUNDS = 20
LONGEST_WRONG = 4_000


class _AskedAlreadyError(Exception):
    """Rolls a change back that was made before."""


def model_of(conn: duckdb.DuckDBPyConnection, task_id: str) -> Model | None:
    """The model that rewrites for the task's raters, or None while the operator has chosen none."""
    query = "select model_id from rewriters where task_id = ? order by choice_id desc limit 1"
    row = database.row(conn, query, [task_id])
    return models.find(conn, row["model_id"]) if row and row["model_id"] else None


def choose(conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, model_id: str | None) -> None:
    """From now on this model rewrites for the task's raters, or none does. Raises Refusal for one that is unknown."""
    roles.require(by, "task.manage")
    if model_id is not None and models.find(conn, model_id) is None:
        raise Refusal(N_("This model is not registered (any more). Choose another."))
    row = {"task_id": task_id, "model_id": model_id, "chosen_by": by.person_id, "chosen_at": database.now()}
    detail = {"model": model_id}
    with audit.change(conn, actor=by.person_id, act="rewriter.chosen", subject=task_id, detail=detail):
        database.insert(conn, "rewriters", [row])


def ask(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    queue_id: str,
    answer_id: str,
    wrong: str,
    before: str | None = None,
    receipt: str | None = None,
) -> bool:
    """Ask for the next round: `before` is the text to improve, the answer itself unless given. Whether it is new.

    A worker that has the model loaded takes it up at once, else one is queued. Raises Refusal when no model is chosen,
    when the answer is not the rater's to judge, when nothing is said or too much, and while a round is on its way.
    """
    roles.require(by, "rate")
    query = """
        select q.task_id, q.raters, a.text from queue_items as i join queues as q using (queue_id)
        join answers as a using (answer_id) where i.queue_id = $queue and i.answer_id = $answer
    """
    known = database.row(conn, query, {"queue": queue_id, "answer": answer_id})
    if known is None:
        raise Refusal(N_("This answer is not in the queue any more. Go back to the list of queues."))
    if known["raters"] and by.person_id not in known["raters"]:
        raise Refusal(N_("This queue is for other raters. Ask the operator to make one for you."))
    model = model_of(conn, known["task_id"])
    if model is None:
        raise Refusal(N_("No model is chosen to rewrite answers. An operator chooses one under Rate, How to rate."))
    text = known["text"] if before is None or not before.strip() else before
    _check(wrong, text)
    detail = {"queue": queue_id, "model": model.model_id}
    try:
        with audit.change(
            conn, actor=by.person_id, act="answer.rewrite_asked", subject=answer_id, detail=detail
        ) as written:
            if receipt is not None and database.row(conn, "select 1 from rewrites where receipt = ?", [receipt]):
                raise _AskedAlreadyError
            last = next(iter(rounds(conn, queue_id, by.person_id, answer_id)), None)
            if last is not None and last["state"] == "waiting":
                raise Refusal(N_("The model is still at the last round. Wait until it is back."))
            number = last["round"] + 1 if last else 1
            if number > MOST_ROUNDS:
                raise Refusal(N_("The model had %(most)s rounds. Write the right answer yourself."), most=MOST_ROUNDS)
            row: dict[str, Any] = {"rewrite_id": uuid4().hex, "queue_id": queue_id, "answer_id": answer_id}
            row |= {"rater": by.person_id, "receipt": receipt, "round": number, "model_id": model.model_id}
            row |= {"job_id": _job_for(conn, known["task_id"], model, by), "wrong": wrong.strip(), "before": text}
            database.insert(conn, "rewrites", [{**row, "asked_at": database.now()}])
            written["round"] = number
    except _AskedAlreadyError:
        return False
    return True


def _check(wrong: str, text: str) -> None:
    if not wrong.strip():
        raise Refusal(N_("The model has to be told what is wrong. Say it in a few words."))
    if len(wrong) > LONGEST_WRONG or len(text) > rewriting.LONGEST:
        raise Refusal(
            N_("That is too long for a model to rewrite: at most %(text)s characters, and %(wrong)s on what is wrong."),
            text=f"{rewriting.LONGEST:,}",
            wrong=f"{LONGEST_WRONG:,}",
        )


def _job_for(conn: duckdb.DuckDBPyConnection, task_id: str, model: Model, by: Person) -> str:
    """The open job of that model for the task, or a new one; inside a change, so that no job ends in between."""
    query = """
        select job_id from jobs where kind = 'rewrite' and task_id = $task and state in ('queued', 'running')
            and spec ->> 'model' = $model
    """
    found = database.row(conn, query, {"task": task_id, "model": model.model_id})
    return str(found["job_id"]) if found else rewrites.new_job(conn, task_id, model.model_id, by.person_id)


def rounds(
    conn: duckdb.DuckDBPyConnection, queue_id: str, rater: str, answer_id: str | None = None
) -> list[dict[str, Any]]:
    """The rater's rounds in the queue, of one answer if named, the newest first.

    Each with `rewrite_id`, `receipt`, `answer_id`, `round`, `wrong`, `before`, `text` and `state`: waiting, back,
    unchanged (the model gave the same text again) or failed. Nothing tells which model it was.
    """
    query = r"""
        select w.rewrite_id, w.receipt, w.answer_id, w.round, w.wrong, w.before, w.text,
            case when w.text is not null and w.text = trim(w.before, e' \t\r\n') then 'unchanged'
                when w.text is not null then 'back'
                when w.failure is null and j.state in ('queued', 'running', 'stopping') then 'waiting'
                else 'failed' end as state
        from rewrites as w join jobs as j using (job_id)
        where w.queue_id = $queue and w.rater = $rater and ($answer is null or w.answer_id = $answer)
        order by w.asked_at desc, w.round desc
    """
    return database.rows(conn, query, {"queue": queue_id, "rater": rater, "answer": answer_id})


def failures(conn: duckdb.DuckDBPyConnection, task_id: str) -> tuple[int, list[Refusal]]:
    """For the operator: how many rounds the task has had, and why the newest failed ones did, each reason once."""
    query = """
        select w.text, w.failure, w.failure_code, w.failure_values, j.state, j.message
        from rewrites as w join queues as q using (queue_id) join jobs as j using (job_id)
        where q.task_id = ? order by w.asked_at desc
    """
    found = database.rows(conn, query, [task_id])
    return len(found), list({str(why): why for row in found if (why := _why(row)) is not None}.values())


def _why(row: Mapping[str, Any]) -> Refusal | None:
    if row["failure"] is not None:
        message = MESSAGES.get(row["failure_code"] or "", row["failure"])
        return Refusal(message, **json.loads(row["failure_values"] or "{}"))
    if row["text"] is None and row["state"] in ("failed", "interrupted") and row["message"]:
        message, values = json.loads(row["message"]).values()
        return Refusal(message, **values)
    return None


def origin(
    conn: duckdb.DuckDBPyConnection, queue_id: str, answer_id: str, correction: str | None, rater: str | None = None
) -> tuple[Origin, str | None]:
    """Where the correction's words come from, and which rewrite they are or started from.

    Asked of one rater's rounds, or of everybody's. Who was given a rewrite and sends another text has edited it: that
    words are the person's own is said only where no model had a hand in them.
    """
    if correction is None:
        return "none", None
    query = """
        select rewrite_id, text from rewrites where queue_id = $queue and answer_id = $answer and text <> ''
            and ($rater is null or rater = $rater) order by asked_at desc, round desc
    """
    back = database.rows(conn, query, {"queue": queue_id, "answer": answer_id, "rater": rater})
    same = next((row["rewrite_id"] for row in back if row["text"].strip() == correction.strip()), None)
    if same is not None:
        return "rewritten", str(same)
    query = "select p.reference from answers as a join samples as p using (sample_id) where a.answer_id = ?"
    sample = database.row(conn, query, [answer_id])
    if sample is not None and sample["reference"].strip() == correction.strip():
        return "reference", None
    return ("edited", str(back[0]["rewrite_id"])) if back else ("typed", None)
