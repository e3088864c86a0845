"""Ways of searching beside each other: the same questions to the same documents, found by words, meaning, or both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from core.diagnosis import intervals
from core.diagnosis.intervals import Paired, Rate
from core.diagnosis.retrieval import Search
from core.evaluation import lookups, results, sources
from core.evaluation.tasks import Task
from core.knowledge import indexes
from core.knowledge.indexes import Index

ORDER = ("bm25", "dense", "hybrid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of searching, by the newest run that used it."""

    run: Mapping[str, Any]
    index: Index
    search: Search
    right: Rate
    """Of the samples that all ways have a score for."""
    more: Paired | None
    """What it adds to the first way, on the same samples; None of the first."""


def beside(conn: duckdb.DuckDBPyConnection, task: Task, run: Mapping[str, Any]) -> list[Way]:
    """The run and those that differ from it in the way of searching alone; the simplest way first."""
    same = ("prompt_id", "model_id", "eval_set_id", "split", "k", "repeats", "decoding")
    used = indexes.find(conn, run["index_id"])
    chosen: dict[str, tuple[Mapping[str, Any], Index]] = {}
    for one in [run, *lookups.runs_of(conn, task.task_id)]:
        index = indexes.find(conn, one["index_id"])
        if used and index and index.documents == used.documents and all(one[part] == run[part] for part in same):
            chosen.setdefault(index.index_id, (one, index))
    ordered = sorted(chosen.values(), key=lambda way: (ORDER.index(way[1].method), way[1].number))
    shared = results.shared(conn, [one["run_id"] for one, _ in ordered], task.plan.metric)
    values = [shared.values[one["run_id"]] for one, _ in ordered]
    return [
        Way(
            run=one,
            index=index,
            search=sources.of_run(conn, task, one)[0],
            right=intervals.mean_rate(values[place]),
            more=intervals.paired(values[0], values[place], shared.groups) if place else None,
        )
        for place, (one, index) in enumerate(ordered)
    ]
