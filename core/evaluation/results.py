"""What runs have shown: rates with their intervals, one row per run and metric."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.diagnosis import intervals, ladder
from core.diagnosis.intervals import Rate
from core.evaluation.tasks import Task
from core.store import database

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
"""run id -> metric -> sample id -> value in 0..1, averaged over repeats."""


def scores(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> Scores:
    """Each run's per-sample values by metric. A failed call has no value here; it is counted elsewhere."""
    query = """
        select run_id, metric, sample_id, avg(value)
        from answers join scores using (answer_id) where list_contains($runs, run_id) and value is not null
        group by run_id, metric, sample_id order by sample_id
    """
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for run_id, metric, sample_id, value in conn.execute(query, {"runs": list(run_ids)}).fetchall():
        found[run_id][metric][sample_id] = value
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The samples that every one of some runs has a value for, in one order: values by run id, and the groups."""

    values: Mapping[str, NDArray[np.float64]]
    groups: Sequence[str]


def shared(
    conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str], metric: str, samples: Sequence[str] | None = None
) -> Shared:
    """One metric's values in 0..1 on the samples that all these runs have, averaged over repeats; of `samples` alone
    where these are given."""
    query = """
        with kept as (
            select sample_id, list(value order by list_position($runs, run_id)) as row
            from values_of($runs, $metric) group by sample_id having count(*) = len($runs)
        )
        select p.group_id, k.row from kept as k join samples as p using (sample_id)
        where $samples is null or sample_id in (select unnest($samples::text[])) order by sample_id
    """
    if not run_ids:
        return Shared(values={}, groups=[])
    given = {"runs": list(run_ids), "metric": metric, "samples": samples if samples is None else list(samples)}
    found = database.arrow(conn, query, given)
    values = np.reshape(pc.list_flatten(found["row"]).to_numpy(), (-1, len(run_ids)))  # one row per sample
    return Shared(
        values={run_id: values[:, place] for place, run_id in enumerate(run_ids)}, groups=found["group_id"].to_pylist()
    )


def rates(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str], *, same: bool) -> dict[tuple[str, str], Rate]:
    """(run id, metric) -> its mean with interval; with `same` over the samples that all these runs have alone."""
    query = """
        with found as (
            from values_of($runs, null)
        ), kept as (
            select metric, sample_id from found group by all having not $same or count(*) = len($runs)
        )
        select run_id, metric, count(*) as n, sum(value) as total, sum(value * value) as squares
        from found semi join kept using (metric, sample_id) group by all
    """
    rows = database.rows(conn, query, {"runs": list(run_ids), "same": same}) if run_ids else []
    return {
        (row["run_id"], row["metric"]): intervals.mean_of_sums(row["n"], row["total"], row["squares"]) for row in rows
    }


def rows_of(of_runs: Sequence[Mapping[str, Any]], found: Mapping[tuple[str, str], Rate]) -> pd.DataFrame:
    """Rates as a table: `run_id`, `rung`, `metric`, `value`, `low`, `high` (shares in 0..1) and `n`."""
    order = {run["run_id"]: run["rung"] for run in of_runs}
    rows = [
        {"run_id": run_id, "rung": order[run_id], "metric": metric}
        | {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}
        for (run_id, metric), rate in found.items()
    ]
    return pd.DataFrame(rows, columns=["run_id", "rung", "metric", "value", "low", "high", "n"])


def table(conn: duckdb.DuckDBPyConnection, of_runs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per run and metric, run by run, as `rows_of` gives them."""
    ids = [run["run_id"] for run in of_runs]
    found = rates(conn, ids, same=False)
    return rows_of(of_runs, dict(sorted(found.items(), key=lambda one: (ids.index(one[0][0]), one[0][1]))))


def judge_ladder(conn: duckdb.DuckDBPyConnection, task: Task, of_runs: Sequence[Mapping[str, Any]]) -> ladder.Ladder:
    """The verdict over the rungs' runs, on the samples that every rung has a score for."""
    found = shared(conn, [run["run_id"] for run in of_runs], task.plan.metric)
    return ladder.judge(
        {run["rung"]: found.values[run["run_id"]] for run in of_runs},
        smallest_gain=task.plan.smallest_gain,
        target=task.target,
        groups=found.groups,
        planned=task.plan.samples,
    )


def best_rung(conn: duckdb.DuckDBPyConnection, task: Task, of_runs: Sequence[Mapping[str, Any]]) -> str:
    """The rung with the highest mean of the plan's metric; of equals the later one, which says more."""
    found = rates(conn, [run["run_id"] for run in of_runs], same=False)
    known = {run["rung"]: found.get((run["run_id"], task.plan.metric)) for run in of_runs}
    means = {rung: -1.0 if rate is None or rate.value is None else rate.value for rung, rate in known.items()}
    return str(max(means, key=lambda rung: (means[rung], rung)))
