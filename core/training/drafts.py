"""What could be learned now: the approvals, without those that are too much like locked samples."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from core import content
from core.evaluation import retrieving
from core.review import approvals
from core.store import database
from core.training import leakage, rejected, waivers
from core.training.recipes import Method


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


def paraphrases(conn: duckdb.DuckDBPyConnection, task_id: str, draft: Draft) -> list[dict[str, Any]]:
    """Pairs of an approved and a locked sample that may ask the same in other words, as in `Draft.left_out`, the likest
    first: nothing is decided about them."""
    locked = database.rows(conn, _LOCKED, [task_id])
    texts = [row["input"] for row in draft.rows], [row["input"] for row in locked]
    return [_pair(draft.rows[pair.train], locked[pair.locked], pair.likeness) for pair in leakage.paraphrases(*texts)]


def _pair(row: Mapping[str, Any], other: Mapping[str, Any], likeness: float) -> dict[str, Any]:
    return {
        "sample_id": row["sample_id"],
        "input": row["input"],
        "locked_sample_id": other["sample_id"],
        "locked_key": other["key"],
        "locked_input": other["input"],
        "likeness": likeness,
    }


def language(text: str) -> str:
    """`zh` if a fifth of the letters are Chinese characters, else `other`: enough to see a one-sided mix."""
    letters = [letter for letter in text if letter.isalpha()]
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    return "zh" if letters and chinese / len(letters) >= 0.2 else "other"


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str, method: Method = "sft") -> Draft:
    """The approved train samples, parted by whether they are those of a gate or retain sample: in the same group, or
    nearly the same text. For DPO, only those with a worse answer, `rejected` (see `rejected.of`)."""
    learned = approvals.approved(conn, task_id)
    passages = retrieving.of_answers(conn, [row["answer_id"] for row in learned])
    worse = rejected.of(conn, learned) if method == "dpo" else {}
    approved = [
        {
            **row,
            "rejected": worse.get(row["sample_id"]),
            "passages": passages.get(row["answer_id"], ()),
        }
        for row in learned
        if method == "sft" or row["sample_id"] in worse
    ]
    locked = database.rows(conn, _LOCKED, [task_id])
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
        pair = _pair(row, other, likeness)
        if (row["sample_id"], other["sample_id"]) in signed:
            waived.append(pair)
            kept.append(row)
        else:
            left_out.append(pair)
    return Draft(rows=kept, left_out=left_out, waived=waived)


_LOCKED = "select sample_id, key, input, group_id from samples where task_id = ? and split in ('gate', 'retain')"
