"""Proofs: the tuned model against what it had to beat, on samples neither has seen, and what else changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core.diagnosis import verdicts
from core.diagnosis.verdicts import Comparison, Proof
from core.evaluation import flips, results, runs, tasks
from core.evaluation.flips import Flip
from core.store import database
from core.training import trials

SIDES = ("before", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A finished proof; failed calls are counted apart."""

    trial: Mapping[str, Any]
    proof: Proof
    gate: Comparison
    retain: Comparison | None
    runs: Sequence[Mapping[str, Any]]
    ladder: Sequence[Mapping[str, Any]]
    """The runs on dev: every rung of the base's newest ladder, and the tuned model last."""
    pairs: Mapping[tuple[str, str], Comparison]
    """(split, metric) -> the comparison for that metric."""
    flips: Mapping[str, Sequence[Flip]]
    """split -> its samples."""
    failures: int


def runs_of(conn: duckdb.DuckDBPyConnection, trial_id: str) -> list[dict[str, Any]]:
    """The runs of the trial's newest proof with `answered` and `failed`, rungs first: a stopped training that went on
    is proven anew."""
    query = """
        select r.*, m.name as model_name, s.name as set_name,
            (select count(*) from answers as a where a.run_id = r.run_id) as answered,
            (select count(*) from answers as a where a.run_id = r.run_id and failure is not null) as failed
        from runs as r join models as m using (model_id) join eval_sets as s using (eval_set_id)
        where r.trial_id = $trial and r.purpose = 'proof' and r.job_id = (
            select job_id from runs where trial_id = $trial and purpose = 'proof' order by created_at desc limit 1
        )
        order by r.split, r.side desc, r.rung
    """
    return database.rows(conn, query, {"trial": trial_id})


def report(conn: duckdb.DuckDBPyConnection, trial_id: str, agreed: tasks.Plan | None = None) -> Report | None:
    """The proof, or None before every planned answer is in: nobody peeks at half a result.

    It is judged by what was agreed for this trial, else by the task's plan. Pages ask `plans.report`, which shows
    nothing before a plan is signed.
    """
    trial = trials.find(conn, trial_id)
    found = runs_of(conn, trial_id)
    if trial is None or not found or any(run["answered"] < run["planned"] for run in found):
        return None
    task = tasks.find(conn, trial["task_id"])
    assert task is not None
    agreed = agreed or task.plan
    sides = {
        split: tuple([run for run in found if (run["split"], run["side"]) == (split, side)] for side in SIDES)
        for split in ("gate", "retain")
    }
    climbed = runs.latest_ladder(
        conn, trial["task_id"], next(run["set_name"] for run in found if run["split"] == "gate")
    )
    scored = results.scores(conn, [run["run_id"] for run in found])
    groups = dict(
        conn.execute("select sample_id, group_id from samples where task_id = ?", [trial["task_id"]]).fetchall()
    )
    pairs: dict[tuple[str, str], Comparison] = {}
    for split, (before, after) in sides.items():
        old, new = _pooled(scored, before), _pooled(scored, after)
        for metric in sorted(old.keys() & new.keys()):
            shared = sorted(old[metric].keys() & new[metric].keys())
            pairs[split, metric] = verdicts.compare(
                [old[metric][sample] for sample in shared],
                [new[metric][sample] for sample in shared],
                margin=agreed.margin,
                smallest_gain=agreed.smallest_gain,
                groups=[groups[sample] for sample in shared],
            )
    metric = agreed.metric
    gate = pairs.get(("gate", metric)) or verdicts.compare([], [])
    retain = pairs.get(("retain", metric))
    return Report(
        trial=trial,
        proof=verdicts.gate(gate, retain),
        gate=gate,
        retain=retain,
        runs=found,
        ladder=[
            *(run for run in climbed if run["model_id"] == trial["base_model_id"]),
            *(run for run in found if run["split"] == "dev"),
        ],
        pairs=pairs,
        flips={
            split: flips.between(conn, metric, *([run["run_id"] for run in side] for side in both))
            for split, both in sides.items()
        },
        failures=sum(run["failed"] for run in found),
    )


def _pooled(scored: results.Scores, of_runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    pooled: dict[str, dict[str, float]] = {}
    for run in of_runs:
        for metric, values in scored.get(run["run_id"], {}).items():
            pooled.setdefault(metric, {}).update(values)
    return pooled
