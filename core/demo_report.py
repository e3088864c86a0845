"""What the demo tells of its proof, line by line and as values that are ready for JSON."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb

from core.diagnosis import verdicts
from core.evaluation import results
from core.evaluation.tasks import Task
from core.release.proofs import Report

Say = Callable[[str], None]


def tell(conn: duckdb.DuckDBPyConnection, say: Say, task: Task, between: str, report: Report) -> dict[str, Any]:
    """Say the rates on dev and gate, the flips and the verdict, and return them; `between` names before and after."""
    rows = _shown(conn, task, report.ladder)
    say("\nEvery rung and, last, the tuned model on the dev samples, which it has never seen:")
    for row in rows:
        say(f"  {row['rung']:<6} {row['metric']:<8} {rate(row)}")
    gate = _shown(conn, task, [run for run in report.runs if run["split"] == "gate"])
    say(f"\nOn {report.gate.paired.n} gate samples nobody has seen:")
    for row in gate:
        say(f"  {row['rung']:<6} {row['metric']:<8} {rate(row)}")
    flips = {
        split: {change: sum(flip.change == change for flip in of_split) for change in ("fixed", "broken", "unchanged")}
        for split, of_split in report.flips.items()
    }
    say(f"\n{between} Samples: {flips}")
    say(f"\n{report.proof.sentence}")
    return {
        "dev": rows,
        "gate": {**_compared(report.gate), "flips": flips["gate"], "table": gate},
        "retain": report.retain and {**_compared(report.retain), "flips": flips["retain"]},
        "failed_calls": report.failures,
        "verdict": {"verdict": report.proof.verdict, "sentence": str(report.proof.sentence)},
    }


def rate(row: Mapping[Any, Any]) -> str:
    """A rate of `results.table` with its interval and n."""
    if row["value"] is None:
        return "no scores"
    return f"{row['value']:6.1%}  {row['low']:.1%} to {row['high']:.1%}  n={row['n']}"


def _shown(conn: duckdb.DuckDBPyConnection, task: Task, of_runs: Sequence[Mapping[str, Any]]) -> list[dict[Any, Any]]:
    found = results.table(conn, of_runs)
    found = found[found["metric"].isin([task.plan.metric, "valid"])]
    return list(found.drop(columns="run_id").to_dict("records"))


def _compared(comparison: verdicts.Comparison) -> dict[str, Any]:
    paired = comparison.paired
    return {
        "before": comparison.before.value,
        "after": comparison.after.value,
        "gain": paired.mean,
        "low": paired.low,
        "high": paired.high,
        "n": paired.n,
    }
