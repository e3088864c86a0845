"""What people answered when asked for retrieval or fine-tuning: appended, the newest answers of a task count."""

import json
from collections.abc import Mapping
from typing import Any, get_args

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.diagnosis import guide
from core.diagnosis.guide import Said
from core.store import audit, database


def answer(conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, answers: Mapping[str, Said]) -> None:
    """Keep the answers to the questions of `guide.QUESTIONS`; what nobody knows is left out of them."""
    roles.require(by, "guide.answer")
    if not answers.keys() <= guide.QUESTIONS.keys() or not set(answers.values()) <= set(get_args(Said)):
        raise ValueError("Answers are yes or no to the questions of the guide.")
    told = {name: answers[name] for name in guide.QUESTIONS if name in answers}
    with audit.change(conn, actor=by.person_id, act="guide.answered", subject=task_id, detail={"answers": told}):
        row = {"task_id": task_id, "answers": content.canonical(told), "answered_by": by.person_id}
        database.insert(conn, "guide_answers", [{**row, "answered_at": database.now()}])


def latest(conn: duckdb.DuckDBPyConnection, task_id: str) -> dict[str, Any] | None:
    """The newest `answers` with `answered_by` and `answered_at`; None when nobody was asked."""
    query = """
        select answers, answered_by, answered_at from guide_answers where task_id = ? order by guide_id desc limit 1
    """
    row = database.row(conn, query, [task_id])
    return {**row, "answers": json.loads(row["answers"])} if row else None
