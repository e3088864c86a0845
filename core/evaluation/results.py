"""What runs have shown: rates with their intervals, one row per run and metric."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pandas as pd

from core.diagnosis import intervals, ladder
from core.evaluation import runs
from core.evaluation.tasks import Task

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
"""run id -> metric -> sample id -> value in 0..1, averaged over repeats."""


def scores(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> Scores:
    """Each run's per-sample values by metric. A failed call has no value here; it is counted elsewhere."""
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in runs.sample_scores(conn, run_ids):
        found[row["run_id"]][row["metric"]][row["sample_id"]] = row["value"]
    return found


def table(conn: duckdb.DuckDBPyConnection, of_runs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per run and metric: `run_id`, `rung`, `metric`, `value`, `low`, `high` (shares in 0..1) and `n`."""
    found = scores(conn, [run["run_id"] for run in of_runs])
    rows = []
    for run in of_runs:
        for metric, values in sorted(found.get(run["run_id"], {}).items()):
            rate = intervals.mean_rate(list(values.values()))
            rows.append(
                {
                    "run_id": run["run_id"],
                    "rung": run["rung"],
                    "metric": metric,
                    "value": rate.value,
                    "low": rate.low,
                    "high": rate.high,
                    "n": rate.n,
                }
            )
    return pd.DataFrame(rows, columns=["run_id", "rung", "metric", "value", "low", "high", "n"])


def judge_ladder(conn: duckdb.DuckDBPyConnection, task: Task, of_runs: Sequence[Mapping[str, Any]]) -> ladder.Ladder:
    """The verdict over the rungs' runs, on the samples that every rung has a score for."""
    values = _primary(conn, task, of_runs)
    shared = sorted(set.intersection(*(set(rung) for rung in values.values()))) if values else []
    query = "select sample_id, group_id from samples where task_id = ?"
    groups = dict(conn.execute(query, [task.task_id]).fetchall())
    return ladder.judge(
        {rung: [found[sample] for sample in shared] for rung, found in values.items()},
        smallest_gain=task.plan.smallest_gain,
        target=task.target,
        groups=[groups[sample] for sample in shared],
    )


def best_rung(conn: duckdb.DuckDBPyConnection, task: Task, of_runs: Sequence[Mapping[str, Any]]) -> str:
    """The rung with the highest mean of the plan's metric; of equals the later one, which says more."""
    values = _primary(conn, task, of_runs)
    means = {rung: sum(found.values()) / len(found) if found else -1.0 for rung, found in values.items()}
    return max(means, key=lambda rung: (means[rung], rung))


def _primary(
    conn: duckdb.DuckDBPyConnection, task: Task, of_runs: Sequence[Mapping[str, Any]]
) -> dict[str, Mapping[str, float]]:
    found = scores(conn, [run["run_id"] for run in of_runs])
    return {run["rung"]: found.get(run["run_id"], {}).get(task.plan.metric, {}) for run in of_runs}
