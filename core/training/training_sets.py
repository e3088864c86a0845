"""Training sets: frozen snapshots of what people approved. Nothing else ever gets in."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import prompts
from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import Prompt
from core.locale.mark import N_
from core.review import approvals
from core.store import audit, database
from core.training import leakage

FEW = 50
"""Below this many rows a trial rarely shows anything; it is allowed, with a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """One immutable snapshot. `composition` counts rows `as_is` and `corrected`, and lists what was `left_out`."""

    training_set_id: str
    task_id: str
    prompt_id: str
    row_count: int
    composition: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What would be frozen now: the approvals to learn from, and those left out as too like a locked sample."""

    rows: Sequence[Mapping[str, Any]]
    left_out: Sequence[Mapping[str, Any]]
    """Each with `sample_id`, `input`, `locked_key`, `locked_input` and `likeness` in 0..100."""

    @property
    def origins(self) -> Mapping[str, int]:
        """How many rows are `as_is` and `corrected`."""
        return Counter(row["origin"] for row in self.rows)


def draft(conn: duckdb.DuckDBPyConnection, task_id: str) -> Draft:
    """The approved train samples, parted by whether their text is nearly that of a gate or retain sample."""
    approved = approvals.approved(conn, task_id)
    locked = database.rows(
        conn, "select key, input from samples where task_id = ? and split in ('gate', 'retain')", [task_id]
    )
    pairs = leakage.overlaps([row["input"] for row in approved], [row["input"] for row in locked])
    left_out = [
        {
            "sample_id": approved[pair.train]["sample_id"],
            "input": approved[pair.train]["input"],
            "locked_key": locked[pair.locked]["key"],
            "locked_input": locked[pair.locked]["input"],
            "likeness": pair.likeness,
        }
        for pair in pairs
    ]
    places = {pair.train for pair in pairs}
    return Draft(rows=[row for place, row in enumerate(approved) if place not in places], left_out=left_out)


def freeze(conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, prompt: Prompt) -> TrainingSet:
    """Snapshot what `draft` gives, each row as the prompt's messages and the approved completion.

    Raises Refusal when nothing is left. The same approvals with the same prompt are the same set.
    """
    roles.require(by, "train.start")
    found = draft(conn, task_id)
    if not found.rows:
        raise Refusal(
            N_(
                "No approved sample can be trained on: %(approved)s are approved, %(left_out)s of them are too much "
                "like gate or retain samples. Rate and approve answers to train samples first."
            ),
            approved=len(found.left_out),
            left_out=len(found.left_out),
        )
    rows = [
        {
            "position": position,
            "sample_id": row["sample_id"],
            "split": row["split"],
            "approval_id": row["approval_id"],
            "messages": content.canonical(list(prompts.render(prompt, _sample(row)))),
            "completion": row["completion"],
        }
        for position, row in enumerate(found.rows)
    ]
    composition = {**found.origins, "left_out": list(found.left_out)}
    frozen = {"task_id": task_id, "prompt_id": prompt.prompt_id, "rows": rows}
    training_set_id = content.name("train", frozen)
    if (known := find(conn, training_set_id)) is not None:
        return known
    with audit.change(
        conn, actor=by.person_id, act="training_set.frozen", subject=training_set_id, detail={"rows": len(rows)}
    ):
        head: dict[str, Any] = {"training_set_id": training_set_id, "task_id": task_id, "prompt_id": prompt.prompt_id}
        head |= {"row_count": len(rows), "composition": content.canonical(composition)}
        database.insert(conn, "training_sets", [{**head, "created_by": by.person_id, "created_at": database.now()}])
        database.insert(conn, "training_rows", [{"training_set_id": training_set_id, **row} for row in rows])
    return TrainingSet(
        training_set_id=training_set_id,
        task_id=task_id,
        prompt_id=prompt.prompt_id,
        row_count=len(rows),
        composition=composition,
    )


def find(conn: duckdb.DuckDBPyConnection, training_set_id: str) -> TrainingSet | None:
    query = """
        select training_set_id, task_id, prompt_id, row_count, composition from training_sets
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
    """What the trainer reads, in order: `messages` and `completion`."""
    query = "select messages, completion from training_rows where training_set_id = ? order by position"
    found = database.rows(conn, query, [training_set_id])
    return [{"messages": json.loads(row["messages"]), "completion": row["completion"]} for row in found]


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
