"""Judge versions: a model, one criterion and its anchors, named by content."""

import json
from collections.abc import Mapping
from typing import Any

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import models
from core.judging import criteria
from core.judging.criteria import Judge
from core.locale.mark import N_
from core.store import audit, database


def save(conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, judge: Judge) -> Judge:
    """Keep the version; the same content again is the version that is there, under its first name."""
    roles.require(by, "task.manage")
    if not judge.name.strip():
        raise Refusal(N_("The judge needs a name. Say in a few words what it looks at."))
    if models.find(conn, judge.model_id) is None:
        raise Refusal(N_("The judge's model is not registered. Add it under Evaluation, Models."))
    if (known := find(conn, judge.judge_id)) is not None:
        return known
    with audit.change(
        conn, actor=by.person_id, act="judge.saved", subject=judge.judge_id, detail=judge.definition
    ) as detail:
        detail["name"] = judge.name.strip()
        row = {"judge_id": judge.judge_id, "task_id": task_id, "name": judge.name.strip(), "form": judge.form}
        row |= {"model_id": judge.model_id, "definition": content.canonical(judge.definition)}
        database.insert(conn, "judges", [{**row, "created_by": by.person_id, "created_at": database.now()}])
    return judge


def find(conn: duckdb.DuckDBPyConnection, judge_id: str) -> Judge | None:
    row = database.row(conn, "select name, definition from judges where judge_id = ?", [judge_id])
    return _judge(row) if row else None


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[Judge]:
    """The task's judges, the newest first."""
    query = "select name, definition from judges where task_id = ? order by created_at desc, judge_id"
    return [_judge(row) for row in database.rows(conn, query, [task_id])]


def _judge(row: Mapping[str, Any]) -> Judge:
    defined = json.loads(row["definition"])
    if defined.pop("prompt_version") != criteria.PROMPT_VERSION:
        raise Refusal(N_("This judge was made with an earlier wording of its instructions. Make it anew."))
    return Judge(name=row["name"], **defined)
