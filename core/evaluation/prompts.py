"""Prompt versions and ladders, kept by what they say; what that comes to for a sample is in rendering.py."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation.eval_sets import EvalSet, Sample
from core.locale.mark import N_
from core.store import audit, database

EXAMPLES = "{examples}"
PASSAGES = "{passages}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One solved sample that a prompt shows; always a `train` sample."""

    sample_id: str
    input: str
    answer: str
    context: str = ""
    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, sample: Sample, answer: str) -> Self:
        """The sample with that answer. Raises Refusal unless it may be learned from."""
        if sample.split != "train":
            raise Refusal(
                N_("“%(key)s” is in the part “%(split)s” of its set; only samples of “train” may be shown to a model."),
                key=sample.key,
                split=sample.split,
            )
        values = {"input": sample.input, "context": sample.context, "fields": sample.fields}
        return cls(sample_id=sample.sample_id, answer=answer, **values)  # type: ignore[arg-type]  # one of each kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt version, named by what it says.

    Instruction and template may name `{input}`, `{context}`, `{schema}` and further columns of the sample; the template
    may have `{examples}` in front of how the question is put, and each example is put in the same way. `{passages}` is
    where a run that looks things up shows what it found.
    """

    name: str
    system: str
    template: str
    note: str = ""
    examples: tuple[Example, ...] = ()
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer, where the prompt names one."""
    parent_id: str | None = None
    """The prompt it was made from; no part of what it says."""

    def __post_init__(self) -> None:
        if "{input}" not in self.template.rpartition(EXAMPLES)[2]:
            raise Refusal(
                N_("The prompt “%(name)s” does not contain {input}. Put it where the question belongs."), name=self.name
            )
        if self.examples and self.template.count(EXAMPLES) != 1:
            raise Refusal(
                N_("The prompt “%(name)s” has solved examples. Put {examples} once, in front of the question."),
                name=self.name,
            )

    @property
    def takes_passages(self) -> bool:
        """Whether it has a place for what is looked up."""
        return PASSAGES in self.system + self.template

    @property
    def prompt_id(self) -> str:
        said: dict[str, Any] = {"system": self.system, "template": self.template}
        said |= {"examples": [asdict(one) for one in self.examples]} if self.examples else {}
        said |= {"schema": self.schema} if self.schema else {}
        return content.name("prompt", said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The ordered rungs for the eval sets of one name: A minimal, B few-shot, C process, D format, then more."""

    ladder_id: str
    eval_set_name: str
    rungs: tuple[tuple[str, Prompt], ...]


def answer_schema(prompt: Prompt, eval_set: EvalSet) -> dict[str, Any] | None:
    """The JSON schema that endpoints are asked to hold answers to: the prompt's own, else that of the set."""
    return dict(prompt.schema or eval_set.schema or {}) or None


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
    _refuse_locked(conn, rungs)
    named = [{"rung": rung, "prompt_id": prompt.prompt_id} for rung, prompt in rungs]
    frozen = {"task_id": task_id, "eval_set_name": eval_set_name, "rungs": named, "nonce": str(database.now())}
    ladder_id = content.name("ladder", frozen)
    with audit.change(
        conn, actor=by.person_id, act="ladder.saved", subject=ladder_id, detail={"set": eval_set_name, "rungs": named}
    ):
        for _, prompt in rungs:
            if find(conn, prompt.prompt_id) is None:
                row: dict[str, Any] = {
                    "prompt_id": prompt.prompt_id,
                    "task_id": task_id,
                    "name": prompt.name,
                    "system": prompt.system,
                }
                row |= {"template": prompt.template, "note": prompt.note, "created_by": by.person_id}
                row |= {"examples": content.canonical([asdict(one) for one in prompt.examples])}
                row |= {"schema": content.canonical(prompt.schema) if prompt.schema else None}
                row |= {"parent_id": prompt.parent_id}
                database.insert(conn, "prompts", [{**row, "created_at": database.now()}])
        row = {"ladder_id": ladder_id, "task_id": task_id, "eval_set_name": eval_set_name}
        row |= {"rungs": content.canonical(named), "created_by": by.person_id}
        database.insert(conn, "ladders", [{**row, "created_at": database.now()}])
    return Ladder(ladder_id=ladder_id, eval_set_name=eval_set_name, rungs=tuple(rungs))


def _refuse_locked(conn: duckdb.DuckDBPyConnection, rungs: Sequence[tuple[str, Prompt]]) -> None:
    """Samples of gate and retain are never shown to a model as examples, whoever made the prompt."""
    solved = [one.sample_id for _, prompt in rungs for one in prompt.examples]
    query = "select key, split from samples where list_contains($solved, sample_id) and split <> 'train' limit 1"
    if row := database.row(conn, query, {"solved": solved}):
        raise Refusal(
            N_("“%(key)s” is in the part “%(split)s” of its set; only samples of “train” may be shown to a model."),
            **row,
        )


def find(conn: duckdb.DuckDBPyConnection, prompt_id: str) -> Prompt | None:
    query = "select name, system, template, note, examples, schema, parent_id from prompts where prompt_id = ?"
    row = database.row(conn, query, [prompt_id])
    if row is None:
        return None
    examples = tuple(
        Example(**{**one, "fields": tuple(map(tuple, one["fields"]))}) for one in json.loads(row["examples"] or "[]")
    )
    return Prompt(**{**row, "examples": examples, "schema": json.loads(row["schema"]) if row["schema"] else None})


def versions(conn: duckdb.DuckDBPyConnection, task_id: str, eval_set_name: str) -> list[tuple[str, Prompt]]:
    """Every prompt that was ever a rung for the sets of that name, with its rung, the newest first."""
    query = """
        select rungs from ladders where task_id = ? and eval_set_name = ? order by created_at desc
    """
    found: dict[str, tuple[str, Prompt]] = {}
    for (rungs,) in conn.execute(query, [task_id, eval_set_name]).fetchall():
        for rung in json.loads(rungs):
            if rung["prompt_id"] not in found and (prompt := find(conn, rung["prompt_id"])) is not None:
                found[rung["prompt_id"]] = (rung["rung"], prompt)
    return list(found.values())


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
