"""Tasks: one business job under evaluation, with its rubric, error types and plan."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.scoring import scorers
from core.store import audit, database

ERROR_TYPES: tuple[dict[str, str], ...] = (
    {"id": "knowledge", "en": "Knowledge missing", "zh": "知识缺失"},
    {"id": "reasoning", "en": "Reasoning", "zh": "推理错误"},
    {"id": "style", "en": "Style", "zh": "文风不当"},
    {"id": "format", "en": "Format", "zh": "格式错误"},
    {"id": "other", "en": "Other", "zh": "其他"},
)
"""The five that every task starts with; ids are kept, names may be reworded per task."""

QUESTION = {"en": "Would you send this answer as it is?", "zh": "这个回答可以直接使用吗？"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was agreed before any result: the smallest gain worth having and the margin of harm, both in 0..1.

    A ladder asks each sample `repeats` times (K); below `samples` (n) there is no verdict, and 0 agrees on no number.
    """

    metric: str = "correct"
    smallest_gain: float = 0.10
    margin: float = 0.10
    repeats: int = 1
    samples: int = 0

    def __post_init__(self) -> None:
        if not scorers.proves(self.metric):
            raise Refusal(
                N_(
                    "“%(metric)s” cannot be agreed as the measure of success: shared wording, a judge's verdicts and a "
                    "valid format do not prove that an answer is right. Choose one that says right or wrong, such as "
                    "“correct”."
                ),
                metric=self.metric,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One business job. Names and descriptions are bilingual: `{"en": ..., "zh": ...}`."""

    task_id: str
    name: Mapping[str, str]
    description: Mapping[str, str]
    target: float
    error_types: tuple[Mapping[str, str], ...]
    plan: Plan


def create(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    name: Mapping[str, str],
    description: Mapping[str, str],
    target: float = 0.8,
    error_types: tuple[Mapping[str, str], ...] = ERROR_TYPES,
    plan: Plan | None = None,
    question: Mapping[str, str] | None = None,
    guidelines: Mapping[str, str] | None = None,
) -> Task:
    """Add a task with its first rubric. Raises Refusal when it has no name or one that is taken."""
    roles.require(by, "task.manage")
    if not any(text.strip() for text in name.values()):
        raise Refusal(N_("A task needs a name. Say in a few words which job it is."))
    task_id = content.name("task", {"name": dict(name)})
    if find(conn, task_id) is not None:
        raise Refusal(N_("There is already a task named “%(name)s”. Choose another name."), name=name.get("en", ""))
    plan = plan or Plan()
    with audit.change(conn, actor=by.person_id, act="task.created", subject=task_id, detail={"name": dict(name)}):
        database.insert(
            conn,
            "tasks",
            [
                {
                    "task_id": task_id,
                    "name": content.canonical(dict(name)),
                    "description": content.canonical(dict(description)),
                    "target": target,
                    "error_types": content.canonical(list(error_types)),
                    "plan": content.canonical(_agreed(plan)),
                    "created_by": by.person_id,
                    "created_at": database.now(),
                }
            ],
        )
        rubric = {"task_id": task_id, "question": dict(question or QUESTION), "guidelines": dict(guidelines or {})}
        database.insert(
            conn,
            "rubrics",
            [
                {
                    "rubric_id": content.name("rubric", rubric),
                    "task_id": task_id,
                    "question": content.canonical(rubric["question"]),
                    "guidelines": content.canonical(rubric["guidelines"]),
                    "scale": "pass_fail",
                    "reference": "on_demand",
                    "created_at": database.now(),
                }
            ],
        )
    return Task(task_id=task_id, name=name, description=description, target=target, error_types=error_types, plan=plan)


def everything(conn: duckdb.DuckDBPyConnection) -> list[Task]:
    """All tasks, the newest first."""
    return [_task(row) for row in database.rows(conn, "select * from tasks order by created_at desc, task_id")]


def find(conn: duckdb.DuckDBPyConnection, task_id: str) -> Task | None:
    row = database.row(conn, "select * from tasks where task_id = ?", [task_id])
    return _task(row) if row else None


def rubric(conn: duckdb.DuckDBPyConnection, task_id: str) -> dict[str, Any]:
    """The task's newest rubric: `rubric_id`, and bilingual `question` and `guidelines`."""
    query = "select * from rubrics where task_id = ? order by created_at desc limit 1"
    row = database.row(conn, query, [task_id])
    assert row is not None, "a task is created with its rubric"
    return {
        "rubric_id": row["rubric_id"],
        "question": json.loads(row["question"]),
        "guidelines": json.loads(row["guidelines"]),
    }


def _agreed(plan: Plan) -> dict[str, Any]:
    agreed = {"metric": plan.metric, "G": plan.smallest_gain, "M": plan.margin}
    return agreed | {"K": plan.repeats, "n": plan.samples}


def _task(row: dict[str, Any]) -> Task:
    plan = json.loads(row["plan"])
    return Task(
        task_id=row["task_id"],
        name=json.loads(row["name"]),
        description=json.loads(row["description"]),
        target=row["target"],
        error_types=tuple(json.loads(row["error_types"])),
        plan=Plan(
            metric=plan["metric"],
            smallest_gain=plan["G"],
            margin=plan["M"],
            repeats=plan.get("K", 1),  # earlier tasks agreed on neither
            samples=plan.get("n", 0),
        ),
    )
