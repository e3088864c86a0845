"""Prompt versions and ladders. A template is plain text: only `{input}` and `{context}` are filled in."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation.eval_sets import Sample
from core.generation.base import Message
from core.locale.mark import N_
from core.store import audit, database

VARIABLE = re.compile(r"\{(input|context)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt version, named by what it says."""

    name: str
    system: str
    template: str
    note: str = ""

    def __post_init__(self) -> None:
        if "{input}" not in self.template:
            raise Refusal(
                N_("The prompt “%(name)s” does not contain {input}. Put it where the question belongs."), name=self.name
            )

    @property
    def prompt_id(self) -> str:
        return content.name("prompt", {"system": self.system, "template": self.template})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The ordered rungs for the eval sets of one name: A minimal, B few-shot, C process, D format, then more."""

    ladder_id: str
    eval_set_name: str
    rungs: tuple[tuple[str, Prompt], ...]


def render(prompt: Prompt, sample: Sample) -> tuple[Message, ...]:
    """The chat messages for one sample. What the sample holds is put in as it is and never read as a template."""
    values = {"input": sample.input, "context": sample.context}
    user = VARIABLE.sub(lambda match: values[match[1]], prompt.template)
    system: tuple[Message, ...] = ({"role": "system", "content": prompt.system},) if prompt.system else ()
    return (*system, {"role": "user", "content": user})


def difference(before: Prompt, after: Prompt) -> list[str]:
    """The lines that are new (+) or gone (-) in the second prompt; none when the texts are the same."""
    old, new = (f"{prompt.system}\n\n{prompt.template}".splitlines() for prompt in (before, after))
    return [line for line in difflib.ndiff(old, new) if line[0] in "+-"]


def save_ladder(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    task_id: str,
    eval_set_name: str,
    rungs: Sequence[tuple[str, Prompt]],
) -> Ladder:
    """Keep the prompts as versions and the ladder over them; the newest ladder of a set counts."""
    roles.require(by, "task.manage")
    named = [{"rung": rung, "prompt_id": prompt.prompt_id} for rung, prompt in rungs]
    frozen = {"task_id": task_id, "eval_set_name": eval_set_name, "rungs": named, "nonce": str(database.now())}
    ladder_id = content.name("ladder", frozen)
    with audit.change(
        conn, actor=by.person_id, act="ladder.saved", subject=ladder_id, detail={"set": eval_set_name, "rungs": named}
    ):
        for _, prompt in rungs:
            if find(conn, prompt.prompt_id) is None:
                row = {"prompt_id": prompt.prompt_id, "task_id": task_id, "name": prompt.name, "system": prompt.system}
                row |= {"template": prompt.template, "note": prompt.note, "created_by": by.person_id}
                database.insert(conn, "prompts", [{**row, "created_at": database.now()}])
        row = {"ladder_id": ladder_id, "task_id": task_id, "eval_set_name": eval_set_name}
        row |= {"rungs": content.canonical(named), "created_by": by.person_id}
        database.insert(conn, "ladders", [{**row, "created_at": database.now()}])
    return Ladder(ladder_id=ladder_id, eval_set_name=eval_set_name, rungs=tuple(rungs))


def find(conn: duckdb.DuckDBPyConnection, prompt_id: str) -> Prompt | None:
    query = "select name, system, template, note from prompts where prompt_id = ?"
    row = database.row(conn, query, [prompt_id])
    return Prompt(**row) if row else None


def ladder(conn: duckdb.DuckDBPyConnection, task_id: str, eval_set_name: str) -> Ladder | None:
    """The newest ladder for the sets of that name."""
    row = database.row(
        conn,
        "select * from ladders where task_id = ? and eval_set_name = ? order by created_at desc limit 1",
        [task_id, eval_set_name],
    )
    return _ladder(conn, row) if row else None


def _ladder(conn: duckdb.DuckDBPyConnection, row: Mapping[str, Any]) -> Ladder:
    rungs = []
    for rung in json.loads(row["rungs"]):
        prompt = find(conn, rung["prompt_id"])
        assert prompt is not None, "a ladder is saved with its prompts"
        rungs.append((rung["rung"], prompt))
    return Ladder(ladder_id=row["ladder_id"], eval_set_name=row["eval_set_name"], rungs=tuple(rungs))
