"""Measured ladders: the newest climb of each model, its rates on the same samples, and its winner on locked ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd

from core.access.people import Person
from core.diagnosis import intervals, verdicts
from core.errors import Refusal
from core.evaluation import repeats, results, runs
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.store import database

COLUMNS = ["run_id", "rung", "metric", "value", "low", "high", "n"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """One model's newest ladder over a set: its runs, rung by rung, with `answered`, `failed` and `planned`."""

    model_id: str
    model_name: str
    runs: tuple[Mapping[str, Any], ...]

    @property
    def complete(self) -> bool:
        """Whether every planned answer is in; before that there is no verdict."""
        return all(run["answered"] >= run["planned"] for run in self.runs)

    @property
    def repeats(self) -> int:
        """Answers per sample and rung (K)."""
        return min(int(run["repeats"]) for run in self.runs)

    @property
    def failed(self) -> int:
        return sum(int(run["failed"]) for run in self.runs)


def of_set(conn: duckdb.DuckDBPyConnection, task_id: str, eval_set_name: str) -> list[Climb]:
    """The newest climb of every model that was asked, the newest first."""
    query = """
        with asked as (
            select r.*, m.name as model_name, j.number from runs as r join eval_sets as s using (eval_set_id)
            join models as m using (model_id) join jobs as j using (job_id)
            where r.task_id = $task and s.name = $name and purpose = 'ladder' and r.split = 'dev'
            qualify j.number = max(j.number) over (partition by r.model_id)
        ), counted as (
            select run_id, count(*) as answered, count(failure) as failed from answers
            where run_id in (select run_id from asked) group by run_id
        )
        select asked.*, coalesce(answered, 0) as answered, coalesce(failed, 0) as failed
        from asked left join counted using (run_id) order by number desc, model_id, rung
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for run in database.rows(conn, query, {"task": task_id, "name": eval_set_name}):
        found.setdefault(run["model_id"], []).append(run)
    return [
        Climb(model_id=model_id, model_name=of_model[0]["model_name"], runs=tuple(of_model))
        for model_id, of_model in found.items()
    ]


def same_prompt(conn: duckdb.DuckDBPyConnection, task_id: str, eval_set_name: str) -> list[list[dict[str, Any]]]:
    """For each prompt of the set the newest complete run of every model that was asked with it on dev.

    Runs carry `model_name`, `prompt_name`, `seconds` and `tokens` (median per answer; None where nothing was told).
    The prompt with the most models comes first, of equals the later rung.
    """
    query = """
        with asked as (
            select r.*, m.name as model_name, p.name as prompt_name
            from runs as r join eval_sets as s using (eval_set_id)
            join models as m using (model_id) join prompts as p using (prompt_id) join jobs as j using (job_id)
            where r.task_id = $task and s.name = $name and r.purpose in ('ladder', 'matrix') and r.split = 'dev'
                and r.planned <= (select count(*) from answers as a where a.run_id = r.run_id)
            qualify row_number() over (partition by r.prompt_id, r.model_id order by j.number desc) = 1
        )
        select asked.*, (select median(latency_s) from answers as a where a.run_id = asked.run_id) as seconds,
            (select median(prompt_tokens + completion_tokens) from answers as a where a.run_id = asked.run_id) as tokens
        from asked order by created_at, model_id
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for run in database.rows(conn, query, {"task": task_id, "name": eval_set_name}):
        found.setdefault(run["prompt_id"], []).append(run)
    return sorted(found.values(), key=lambda runs: (len(runs), runs[0]["rung"]), reverse=True)


def table(conn: duckdb.DuckDBPyConnection, of_runs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per rung and metric on the samples that every rung has a score for, as `results.table` gives them.

    With several answers per sample three more metrics: `repeats.METRICS`.
    """
    found = {run_id: dict(metrics) for run_id, metrics in results.scores(conn, _ids(of_runs)).items()}
    for run_id, metrics in repeats.scores(conn, [run["run_id"] for run in of_runs if run["repeats"] > 1]).items():
        found.setdefault(run_id, {}).update(metrics)
    rows = []
    for metric in sorted({metric for metrics in found.values() for metric in metrics}):
        of_metric = {run["run_id"]: found.get(run["run_id"], {}).get(metric, {}) for run in of_runs}
        shared = sorted(set.intersection(*(set(values) for values in of_metric.values())))
        for run in of_runs if shared else ():
            rate = intervals.mean_rate([of_metric[run["run_id"]][sample] for sample in shared])
            row = {"run_id": run["run_id"], "rung": run["rung"], "metric": metric, "n": rate.n}
            rows.append({**row, "value": rate.value, "low": rate.low, "high": rate.high})
    return pd.DataFrame(rows, columns=COLUMNS)


def measure_winner(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    eval_set: EvalSet,
    first: tuple[str, Prompt],
    winner: tuple[str, Prompt],
    model: Model,
) -> str:
    """Ask the winner and the first prompt the locked samples, on which nothing was chosen; returns the job's id.

    Raises Refusal when that was asked before: locked samples that are asked until they please are not locked.
    """
    if locked(conn, eval_set.task_id, eval_set.name, model.model_id, winner[1].prompt_id):
        raise Refusal(
            N_("Prompt %(rung)s was already measured on the locked samples. Locked samples are for one question."),
            rung=winner[0],
        )
    sides: dict[Any, tuple[str, Prompt]] = {"before": first, "after": winner}
    if first[1].prompt_id == winner[1].prompt_id:
        del sides["before"]
    plans = [
        runs.Plan(eval_set=eval_set, split="gate", rung=rung, prompt=prompt, model=model, purpose="proof", side=side)
        for side, (rung, prompt) in sides.items()
    ]
    title = N_("Locked samples: prompt %(rung)s on %(model)s")
    return runs.start(conn, by=by, title=title, values={"rung": winner[0], "model": model.name}, plans=plans)


def locked(
    conn: duckdb.DuckDBPyConnection, task_id: str, eval_set_name: str, model_id: str, prompt_id: str
) -> list[dict[str, Any]]:
    """The runs in which that prompt, as a ladder's winner, met the locked samples; the first prompt's comes first."""
    query = """
        select r.*, (select count(*) from answers as a where a.run_id = r.run_id) as answered
        from runs as r join eval_sets as s using (eval_set_id) join jobs as j using (job_id)
        where r.task_id = $task and s.name = $name and r.model_id = $model and r.purpose = 'proof'
            and r.trial_id is null and r.split = 'gate'
        qualify bool_or(r.prompt_id = $prompt and r.side = 'after') over (partition by r.job_id)
        order by j.number desc, r.side desc
    """
    values = {"task": task_id, "name": eval_set_name, "model": model_id, "prompt": prompt_id}
    found = database.rows(conn, query, values)
    return [run for run in found if run["job_id"] == found[0]["job_id"]]


def compare(
    conn: duckdb.DuckDBPyConnection, task: Task, before: Mapping[str, Any], after: Mapping[str, Any]
) -> verdicts.Comparison:
    """Two runs on the samples that both have a score for, by the plan's metric."""
    found = results.scores(conn, _ids([before, after]))
    old, new = (found.get(run["run_id"], {}).get(task.plan.metric, {}) for run in (before, after))
    shared = sorted(old.keys() & new.keys())
    known = groups(conn, task.task_id)
    return verdicts.compare(
        [old[sample] for sample in shared],
        [new[sample] for sample in shared],
        margin=task.plan.margin,
        smallest_gain=task.plan.smallest_gain,
        groups=[known[sample] for sample in shared],
    )


def groups(conn: duckdb.DuckDBPyConnection, task_id: str) -> dict[str, str]:
    """sample id -> group id."""
    return dict(conn.execute("select sample_id, group_id from samples where task_id = ?", [task_id]).fetchall())


def _ids(of_runs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [run["run_id"] for run in of_runs]
