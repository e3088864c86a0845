"""Training sets: frozen snapshots of what people approved. Nothing else ever gets in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import rendering
from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import Prompt
from core.locale.mark import N_
from core.store import audit, database
from core.training import drafts
from core.training.drafts import Draft
from core.training.recipes import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """One immutable snapshot. `composition` is that of the draft it was frozen from (see `Draft.composition`)."""

    training_set_id: str
    task_id: str
    prompt_id: str
    row_count: int
    composition: Mapping[str, Any]
    method: Method = "sft"


def freeze(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    task_id: str,
    prompt: Prompt,
    method: Method = "sft",
    part: float = 1.0,
) -> TrainingSet:
    """Snapshot what `draft` gives, each row as the prompt's messages, the approved completion and, for DPO, the
    rejected answer; with the teacher's name and licence note where one wrote it. `part` takes so much of it.

    Raises Refusal when nothing is left. The same approvals with the same prompt are the same set.
    """
    roles.require(by, "train.start")
    found = drafts.of_task(conn, task_id, method)
    if not found.rows:
        raise Refusal(
            N_(
                "No approved sample can be trained on: %(approved)s are approved, %(left_out)s of them are too much "
                "like gate or retain samples. Rate and approve answers to train samples first."
            ),
            approved=len(found.left_out),
            left_out=len(found.left_out),
        )
    found = found.part(part)
    rows, composition = _rows(found, prompt), found.composition
    training_set_id = _name(task_id, prompt, rows)
    if (known := find(conn, training_set_id)) is not None:
        return known
    with audit.change(
        conn, actor=by.person_id, act="training_set.frozen", subject=training_set_id, detail={"rows": len(rows)}
    ):
        head: dict[str, Any] = {"training_set_id": training_set_id, "task_id": task_id, "prompt_id": prompt.prompt_id}
        head |= {"row_count": len(rows), "composition": content.canonical(composition), "method": method}
        database.insert(conn, "training_sets", [{**head, "created_by": by.person_id, "created_at": database.now()}])
        database.insert(conn, "training_rows", [{"training_set_id": training_set_id, **row} for row in rows])
    return TrainingSet(
        training_set_id=training_set_id,
        task_id=task_id,
        prompt_id=prompt.prompt_id,
        row_count=len(rows),
        composition=composition,
        method=method,
    )


def name(draft: Draft, task_id: str, prompt: Prompt) -> str:
    """What the set would be called that this draft was frozen as."""
    return _name(task_id, prompt, _rows(draft, prompt))


def _name(task_id: str, prompt: Prompt, rows: Sequence[Mapping[str, Any]]) -> str:
    told = [{column: value for column, value in row.items() if value is not None} for row in rows]
    return content.name("train", {"task_id": task_id, "prompt_id": prompt.prompt_id, "rows": told})


def _rows(draft: Draft, prompt: Prompt) -> list[dict[str, Any]]:
    return [
        {
            "position": position,
            "sample_id": row["sample_id"],
            "split": row["split"],
            "approval_id": row["approval_id"],
            "messages": content.canonical(list(rendering.render(prompt, _sample(row), row["passages"]))),
            "completion": row["completion"],
            "rejected": row["rejected"],
            "teacher": row["teacher"],
            "licence": row["licence"],
        }
        for position, row in enumerate(draft.rows)
    ]


def find(conn: duckdb.DuckDBPyConnection, training_set_id: str) -> TrainingSet | None:
    query = """
        select training_set_id, task_id, prompt_id, row_count, composition, method from training_sets
        where training_set_id = ?
    """
    row = database.row(conn, query, [training_set_id])
    return TrainingSet(**{**row, "composition": json.loads(row["composition"])}) if row else None


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's training sets, the newest first, with `created_by`, `created_at` and the prompt's name."""
    query = """
        select s.*, p.name as prompt_name from training_sets as s join prompts as p using (prompt_id)
        where s.task_id = ? order by s.created_at desc
    """
    return [{**row, "composition": json.loads(row["composition"])} for row in database.rows(conn, query, [task_id])]


def rows(conn: duckdb.DuckDBPyConnection, training_set_id: str) -> list[dict[str, Any]]:
    """What the trainer reads, in order: `messages`, `completion`, `group`; `rejected` where it is a pair, `teacher` and
    `licence` where one wrote it."""
    query = """
        select r.messages, r.completion, r.rejected, r.teacher, r.licence, p.group_id as "group" from training_rows as r
        join samples as p using (sample_id) where r.training_set_id = ? order by r.position
    """
    found = database.rows(conn, query, [training_set_id])
    return [
        {
            "messages": json.loads(row["messages"]),
            "completion": row["completion"],
            "group": row["group"],
            **{column: row[column] for column in ("rejected", "teacher", "licence") if row[column]},
        }
        for row in found
    ]


def _sample(row: Mapping[str, Any]) -> Sample:
    return Sample(
        sample_id=row["sample_id"],
        key="",
        input=row["input"],
        context=row["context"],
        reference=row["reference"],
        kind="practice",
        group_id="",
        split=row["split"],
        critical=False,
        tags=(),
        fields=tuple(json.loads(row["fields"]).items()) if row["fields"] else (),
    )
