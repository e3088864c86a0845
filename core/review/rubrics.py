"""Rubrics: what raters are asked, on which scale, and whether they see the reference. A newer one supersedes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.store import audit, database

Scale = Literal["pass_fail", "five"]
Reference = Literal["shown", "on_demand", "hidden"]

PASSES_FROM = 4
"""On the scale of five, 4 and 5 pass: fit to send, at most with a touch of polish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """One version. Question and guidelines are bilingual: `{"en": ..., "zh": ...}`."""

    rubric_id: str
    question: Mapping[str, str]
    guidelines: Mapping[str, str]
    scale: Scale
    reference: Reference


def of_queue(conn: duckdb.DuckDBPyConnection, queue_id: str) -> Rubric:
    """The rubric that the queue was made with: a newer one is for newer queues, so that ratings stay comparable."""
    query = "select r.* from queues as q join rubrics as r using (rubric_id) where q.queue_id = ?"
    return _rubric(database.row(conn, query, [queue_id]))


def latest(conn: duckdb.DuckDBPyConnection, task_id: str) -> Rubric:
    """What the task's next queue will ask."""
    query = "select * from rubrics where task_id = ? order by created_at desc limit 1"
    return _rubric(database.row(conn, query, [task_id]))


def check_points(scale: Scale, verdict: str, points: int | None) -> None:
    """Raises Refusal when verdict and points do not fit each other or the scale; a skip has no points."""
    if (points is not None) != (scale == "five" and verdict != "skip"):
        raise Refusal(N_("This verdict does not fit the queue's scale. Reload the page and judge the answer again."))
    if points is not None and (points not in range(1, 6) or (points >= PASSES_FROM) != (verdict == "pass")):
        raise Refusal(N_("Points go from 1 to 5; 4 and 5 pass. Judge the answer again."))


def revise(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    task_id: str,
    scale: Scale,
    reference: Reference,
    question: Mapping[str, str] | None = None,
    guidelines: Mapping[str, str] | None = None,
) -> Rubric:
    """Add a version for the task's queues from now on; what is not given stays. Raises Refusal without a question."""
    roles.require(by, "task.manage")
    if scale not in get_args(Scale) or reference not in get_args(Reference):
        raise ValueError("Scale and reference are chosen from a list.")
    before = latest(conn, task_id)
    said = {
        "question": dict(question if question is not None else before.question),
        "guidelines": dict(guidelines if guidelines is not None else before.guidelines),
    }
    if not any(text.strip() for text in said["question"].values()):
        raise Refusal(N_("A rubric needs a question. Write what raters are to judge."))
    now = database.now()
    named = {"task_id": task_id, **said, "scale": scale, "reference": reference, "at": now.isoformat()}
    row = {"rubric_id": content.name("rubric", named), "task_id": task_id, "scale": scale, "reference": reference}
    row |= {part: content.canonical(texts) for part, texts in said.items()}
    with audit.change(
        conn,
        actor=by.person_id,
        act="rubric.revised",
        subject=task_id,
        detail={"rubric": row["rubric_id"], "scale": scale, "reference": reference},
    ):
        database.insert(conn, "rubrics", [{**row, "created_at": now}])
    return latest(conn, task_id)


def _rubric(row: Mapping[str, str] | None) -> Rubric:
    assert row is not None, "a task is created with its rubric, and a queue names one"
    return Rubric(
        rubric_id=row["rubric_id"],
        question=json.loads(row["question"]),
        guidelines=json.loads(row["guidelines"]),
        scale=row["scale"],  # type: ignore[arg-type]  # the database checks both
        reference=row["reference"],  # type: ignore[arg-type]
    )
