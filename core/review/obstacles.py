"""What stands against an approval: the proof asks nearly the same, or the same is approved already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from core.errors import Refusal
from core.locale.mark import N_
from core.store import database
from core.training import leakage


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a sample cannot be approved: the other sample of the pair, and their likeness in 0..100."""

    kind: Literal["locked", "repeated"]
    key: str
    input: str
    likeness: float


def of(conn: duckdb.DuckDBPyConnection, task_id: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Obstacle]:
    """sample id -> what stands against it, for those candidates that something stands against.

    A gate or retain sample that asks nearly the same would make the proof worthless. A repetition is the very same
    question, or nearly the same one with the same answer, among what is approved or earlier in `rows`; nearly the
    same question with another answer is allowed, since one word may make all the difference.
    """
    query = "select key, input from samples where task_id = ? and split in ('gate', 'retain')"
    locked = database.rows(conn, query, [task_id])
    found = {
        rows[pair.train]["sample_id"]: Obstacle(kind="locked", likeness=pair.likeness, **locked[pair.locked])
        for pair in leakage.overlaps([row["input"] for row in rows], [row["input"] for row in locked])
    }
    query = """
        select d.sample_id, d.completion, s.key, s.input, s.context
        from latest_approvals as d join samples as s using (sample_id)
        where d.task_id = ? and d.decision = 'approved' order by d.approval_id
    """
    kept = database.rows(conn, query, [task_id])
    for row in rows:
        if row["sample_id"] in found:
            continue
        if (repeated := _repeated(row, kept)) is not None:
            found[row["sample_id"]] = repeated
        else:
            kept.append(dict(row))
    return found


def refuse(conn: duckdb.DuckDBPyConnection, task_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raises Refusal with the first pair when something stands against one of the candidates."""
    found = of(conn, task_id, rows)
    if not found:
        return
    sample_id, obstacle = next(iter(found.items()))
    mine = next(row["input"] for row in rows if row["sample_id"] == sample_id)
    values = {"mine": _short(mine), "theirs": _short(obstacle.input), "key": obstacle.key}
    if obstacle.kind == "locked":
        raise Refusal(
            N_(
                "“%(mine)s” is nearly what the locked sample %(key)s asks: “%(theirs)s”. What is learned cannot be "
                "proven with it. Reject it."
            ),
            **values,
        )
    raise Refusal(
        N_("“%(mine)s” repeats the sample %(key)s: “%(theirs)s”. Once is enough. Reject it, or withdraw the other."),
        **values,
    )


def _repeated(row: Mapping[str, Any], kept: Sequence[Mapping[str, Any]]) -> Obstacle | None:
    others = [one for one in kept if one["sample_id"] != row["sample_id"]]
    texts = [_question(one) for one in others]
    same = [
        one for one, text in zip(others, texts, strict=True) if leakage.normal(text) == leakage.normal(_question(row))
    ]
    if same:
        return Obstacle(kind="repeated", key=same[0]["key"], input=same[0]["input"], likeness=100.0)
    answer = leakage.normal(row["completion"])
    alike = [one for one in others if leakage.normal(one["completion"]) == answer]
    for pair in leakage.overlaps([_question(row)], [_question(one) for one in alike]):
        other = alike[pair.locked]
        return Obstacle(kind="repeated", key=other["key"], input=other["input"], likeness=pair.likeness)
    return None


def _question(row: Mapping[str, Any]) -> str:
    return f"{row['input']}\n{row['context']}"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
