"""Measured ladders: the newest climb of each model, and its rates on the same samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd

from core.access.people import Person
from core.diagnosis import verdicts
from core.evaluation import matrices, repeats, results, retrieving, runs
from core.evaluation.eval_sets import EvalSet
from core.evaluation.matrices import Matrix
from core.evaluation.models import Model
from core.evaluation.prompts import Ladder
from core.evaluation.retrieving import Retrieval
from core.evaluation.tasks import Task
from core.store import database

VARIED = 0.7
"""Temperature when the same question is asked several times: greedy answers of a local model would all be one."""


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

    @property
    def retrieval(self) -> Retrieval | None:
        """What the rungs with a place for passages looked up."""
        return next((found for run in self.runs if (found := retrieving.of_run(run))), None)


def matrix(
    *,
    task: Task,
    eval_set: EvalSet,
    ladder: Ladder,
    model: Model,
    retrieval: Retrieval | None = None,
    max_new_tokens: int | None = None,
) -> Matrix:
    """The ladder as the task's plan has it: each sample K times, with some randomness if K is above one."""
    return Matrix(
        eval_set=eval_set,
        split="dev",
        prompts=ladder.rungs,
        models=[model],
        repeats=task.plan.repeats,
        temperature=VARIED if task.plan.repeats > 1 else 0.0,
        max_new_tokens=max_new_tokens,
        retrieval=retrieval,
        where_placed=True,
    )


def start(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    task: Task,
    eval_set: EvalSet,
    ladder: Ladder,
    model: Model,
    retrieval: Retrieval | None = None,
    max_new_tokens: int | None = None,
    cap: float | None = None,
) -> str:
    """Run the ladder; with a cap, no call is started that could exceed it. Returns the job's id."""
    asked: dict[str, Any] = {"eval_set": eval_set, "ladder": ladder, "model": model, "retrieval": retrieval}
    wanted = matrix(task=task, **asked, max_new_tokens=max_new_tokens)
    how: dict[str, Any] = {"decoding": matrices.decoding(conn, wanted), "repeats": wanted.repeats}
    return runs.start_ladder(conn, by=by, **asked, **how, spec=matrices.capped(conn, wanted.models, cap))


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

    Runs carry `model_name`, `prompt_name`, `seconds` and `tokens` (median per answer) and `cost` (mean per answer that
    was paid for, in the model's currency), each None where nothing was told. The prompt with the most models
    comes first, of equals the later rung.
    """
    query = """
        with asked as (
            select r.*, m.name as model_name, p.name as prompt_name
            from runs as r join eval_sets as s using (eval_set_id)
            join models as m using (model_id) join prompts as p using (prompt_id) join jobs as j using (job_id)
            where r.task_id = $task and s.name = $name and r.purpose in ('ladder', 'matrix') and r.split = 'dev'
                and r.index_id is null
                and r.planned <= (select count(*) from answers as a where a.run_id = r.run_id)
            qualify row_number() over (partition by r.prompt_id, r.model_id order by j.number desc) = 1
        )
        select asked.*,
            (select median(latency_s) from answers as a where a.run_id = asked.run_id) as seconds,
            (select median(prompt_tokens + completion_tokens) from answers as a where run_id = asked.run_id) as tokens,
            (select avg(cost) from answers as a where a.run_id = asked.run_id and a.copied_from is null) as cost
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
    ids = _ids(of_runs)
    found = results.rates(conn, ids, same=True)
    if all(run["repeats"] > 1 for run in of_runs):
        found |= repeats.rates(conn, ids)
    return results.rows_of(of_runs, dict(sorted(found.items(), key=lambda one: (one[0][1], ids.index(one[0][0])))))


def compare(
    conn: duckdb.DuckDBPyConnection, task: Task, before: Mapping[str, Any], after: Mapping[str, Any]
) -> verdicts.Comparison:
    """Two runs on the samples that both have a score for, by the plan's metric."""
    found = results.shared(conn, _ids([before, after]), task.plan.metric)
    return verdicts.compare(
        found.values[before["run_id"]],
        found.values[after["run_id"]],
        margin=task.plan.margin,
        smallest_gain=task.plan.smallest_gain,
        groups=found.groups,
    )


def _ids(of_runs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [run["run_id"] for run in of_runs]
