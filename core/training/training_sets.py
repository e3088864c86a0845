"""Training sets: frozen snapshots of what people approved. Nothing else ever gets in."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import prompts, retrieving
from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import Prompt
from core.locale.mark import N_
from core.review import approvals
from core.store import audit, database
from core.training import leakage, rejected, waivers
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What would be frozen now: the approvals to learn from, and those left out as too like a locked sample."""

    rows: Sequence[Mapping[str, Any]]
    left_out: Sequence[Mapping[str, Any]]
    """Each with `sample_id`, `input`, `locked_sample_id`, `locked_key`, `locked_input` and `likeness` in 0..100."""
    waived: Sequence[Mapping[str, Any]] = ()
    """The same of those that are among the rows because somebody signed for them."""

    @property
    def origins(self) -> Mapping[str, int]:
        """How many rows are `as_is`, `corrected`, and `teacher`: as a stronger model wrote them."""
        return Counter("teacher" if row["teacher"] and row["origin"] == "as_is" else row["origin"] for row in self.rows)

    @property
    def teachers(self) -> Mapping[tuple[str, str], int]:
        """(teacher, licence note) -> rows."""
        return Counter((row["teacher"], row["licence"]) for row in self.rows if row["teacher"])

    @property
    def composition(self) -> dict[str, Any]:
        """Rows by origin, by `tags`, `languages`, `authors` (who approved); the lists `left_out` and `waived`, and, if
        there are any, `teachers`.

        `written` counts corrections by whose words they are, `rewriters` those that a model wrote or began, by model.
        """
        teachers = [
            {"teacher": name, "licence": licence, "rows": count} for (name, licence), count in self.teachers.items()
        ]
        return {
            **self.origins,
            **({"teachers": teachers} if teachers else {}),
            "written": Counter(row["written"] for row in self.rows if row["origin"] == "corrected"),
            "rewriters": Counter(row["rewriter"] for row in self.rows if row["rewriter"]),
            "tags": Counter(tag for row in self.rows for tag in row["tags"]),
            "languages": Counter(language(row["input"]) for row in self.rows),
            "authors": Counter(row["decided_by"] for row in self.rows),
            "left_out": list(self.left_out),
            "waived": list(self.waived),
        }

    def part(self, share: float) -> "Draft":
        """So much of the rows, whole groups in an order that their names decide: a smaller part lies in a larger."""
        groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self.rows:
            groups[row["group_id"] or row["sample_id"]].append(row)
        wanted, kept = round(share * len(self.rows)), set[str]()
        for group in sorted(groups, key=content.digest):
            if len(kept) < wanted:
                kept |= {row["sample_id"] for row in groups[group]}
        return replace(self, rows=[row for row in self.rows if row["sample_id"] in kept])


def language(text: str) -> str:
    """`zh` if a fifth of the letters are Chinese characters, else `other`: enough to see a one-sided mix."""
    letters = [letter for letter in text if letter.isalpha()]
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    return "zh" if letters and chinese / len(letters) >= 0.2 else "other"


def draft(conn: duckdb.DuckDBPyConnection, task_id: str, method: Method = "sft") -> Draft:
    """The approved train samples, parted by whether they are those of a gate or retain sample: in the same group, or
    nearly the same text. For DPO, only those with a worse answer, `rejected` (see `rejected.of`)."""
    known = {row["sample_id"]: row for row in database.rows(conn, _SAMPLES, [task_id])}
    learned = approvals.approved(conn, task_id)
    passages = retrieving.of_answers(conn, [row["answer_id"] for row in learned])
    worse = rejected.of(conn, learned) if method == "dpo" else {}
    approved = [
        {
            **row,
            "tags": known[row["sample_id"]]["tags"],
            "group_id": known[row["sample_id"]]["group_id"],
            "rejected": worse.get(row["sample_id"]),
            "passages": passages.get(row["answer_id"], ()),
        }
        for row in learned
        if method == "sft" or row["sample_id"] in worse
    ]
    locked = [row for row in known.values() if row["split"] in ("gate", "retain")]
    pairs = {
        pair.train: (locked[pair.locked], pair.likeness)
        for pair in leakage.overlaps([row["input"] for row in approved], [row["input"] for row in locked])
    }
    groups = {row["group_id"]: row for row in locked if row["group_id"]}
    pairs |= {
        place: (groups[row["group_id"]], 100.0) for place, row in enumerate(approved) if row["group_id"] in groups
    }
    signed = waivers.of_task(conn, task_id)
    left_out, waived, kept = [], [], []
    for place, row in enumerate(approved):
        if place not in pairs:
            kept.append(row)
            continue
        other, likeness = pairs[place]
        pair = {
            "sample_id": row["sample_id"],
            "input": row["input"],
            "locked_sample_id": other["sample_id"],
            "locked_key": other["key"],
            "locked_input": other["input"],
            "likeness": likeness,
        }
        if (row["sample_id"], other["sample_id"]) in signed:
            waived.append(pair)
            kept.append(row)
        else:
            left_out.append(pair)
    return Draft(rows=kept, left_out=left_out, waived=waived)


_SAMPLES = "select sample_id, key, input, split, tags, group_id from samples where task_id = ?"


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
    found = draft(conn, task_id, method)
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
            "messages": content.canonical(list(prompts.render(prompt, _sample(row), row["passages"]))),
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
