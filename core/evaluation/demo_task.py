"""The demo task that a fresh installation starts with, read from `data/samples`, all of it our own writing."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from core.access.people import Person
from core.evaluation import eval_sets, prompts, tasks
from core.evaluation.prompts import Prompt
from core.evaluation.tasks import Plan, Task
from core.intake.importing import Row, Split
from core.knowledge import indexes
from core.locale.mark import N_
from core.settings import SAMPLES

TRIAGE = "Card triage"
FEES = "Instalment fees"
REPLIES = "Card replies"
GENERAL = "General questions"
DESK = "Desk answers"
NAMES = (N_("Card triage"), N_("Instalment fees"), N_("Card replies"), N_("General questions"), N_("Desk answers"))
"""Names of shipped sets, marked so that pages can show them in the reader's language."""

TRIAGE_SHARES: Mapping[Split, float] = {"dev": 0.17, "train": 0.48, "gate": 0.35, "retain": 0.0}
ALL_DEV: Mapping[Split, float] = {"dev": 1.0, "train": 0.0, "gate": 0.0, "retain": 0.0}
ALL_RETAIN: Mapping[Split, float] = {"dev": 0.0, "train": 0.0, "gate": 0.0, "retain": 1.0}


INSTALLER = Person(person_id="system", name="system", roles=frozenset({"operator"}))


def ensure(conn: duckdb.DuckDBPyConnection) -> None:
    """Add the demo task to an installation that has no task at all."""
    if not tasks.everything(conn):
        create(conn, by=INSTALLER)


def create(conn: duckdb.DuckDBPyConnection, *, by: Person) -> Task:
    """Add the demo task with its sets, splits, rubric and ladders."""
    described = json.loads((SAMPLES / "task.json").read_text("utf-8"))
    written = json.loads((SAMPLES / "prompts.json").read_text("utf-8"))
    task = tasks.create(
        conn,
        by=by,
        name=described["name"],
        description=described["description"],
        target=described["target"],
        error_types=tuple(described["error_types"]),
        plan=Plan(smallest_gain=described["plan"]["G"], margin=described["plan"]["M"]),
        question=described["rubric"]["question"],
        guidelines=described["rubric"]["guidelines"],
    )
    triage = _rows("card_triage.en.jsonl", "card_triage.zh.jsonl")
    schema = json.loads((SAMPLES / "card_triage.schema.json").read_text("utf-8"))
    common: dict[str, Any] = {"by": by, "task_id": task.task_id}
    eval_sets.save(conn, name=TRIAGE, rows=triage, scorer="json", schema=schema, shares=TRIAGE_SHARES, **common)
    rungs: list[tuple[str, Prompt]] = []
    for rung in written["ladders"]["triage"]:
        rungs.append((rung["rung"], _prompt(rung, rungs[-1][1] if rungs else None)))
    prompts.save_ladder(conn, eval_set_name=TRIAGE, rungs=rungs, **common)
    for name, file, scorer, key in (
        (FEES, "instalment_fees.jsonl", "contains", "fees"),
        (REPLIES, "card_replies.jsonl", "overlap", "replies"),
    ):
        eval_sets.save(conn, name=name, rows=_rows(file), scorer=scorer, shares=ALL_DEV, **common)
        prompts.save_ladder(conn, eval_set_name=name, rungs=[("A", _prompt(written["single"][key]))], **common)
    add_general(conn, by=by, task_id=task.task_id)
    # Facts name their source; what the questions on style want stands in no document, so only tuning can give it.
    eval_sets.save(conn, name=DESK, rows=_rows("desk_answers.jsonl"), scorer="contains", shares=ALL_DEV, **common)
    prompts.save_ladder(conn, eval_set_name=DESK, rungs=[("A", _prompt(written["single"]["desk"]))], **common)
    rules = sorted((SAMPLES / "knowledge").glob("*.md"))
    indexes.add(conn, files=[(file.name, file.read_bytes()) for file in rules], **common)
    return task


def add_general(conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str) -> None:
    """Give a task the shipped general questions as samples that must not break."""
    written = json.loads((SAMPLES / "prompts.json").read_text("utf-8"))["single"]["general"]
    common: dict[str, Any] = {"by": by, "task_id": task_id}
    eval_sets.save(conn, name=GENERAL, rows=_rows("general.jsonl"), scorer="contains", shares=ALL_RETAIN, **common)
    prompts.save_ladder(conn, eval_set_name=GENERAL, rungs=[("A", _prompt(written))], **common)


def _rows(*files: str) -> list[Row]:
    records: Iterable[dict[str, Any]] = (
        json.loads(line) for file in files for line in (SAMPLES / file).read_text("utf-8").splitlines()
    )
    return [
        Row(
            key=record["key"],
            input=record["input"],
            context=record.get("context", ""),
            reference=record["reference"]
            if isinstance(record["reference"], str)
            else json.dumps(record["reference"], ensure_ascii=False),
            kind=record.get("kind", "practice"),
            pair=record.get("pair", ""),
            group_id=record["group_id"],
            split=None,
            critical=record.get("critical", False),
            tags=tuple(record["tags"]),
            line=number,
            fields=tuple(record.get("fields", {}).items()),
        )
        for number, record in enumerate(records, 1)
    ]


def _prompt(written: Mapping[str, str], parent: Prompt | None = None) -> Prompt:
    return Prompt(
        name=written["name"],
        system=written["system"],
        template=written["template"],
        note=written.get("note", ""),
        parent_id=parent.prompt_id if parent else None,
    )
