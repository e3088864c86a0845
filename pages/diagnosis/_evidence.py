"""What has been measured for a task, gathered from all stations for its diagnosis."""

from collections.abc import Mapping
from typing import Any

import duckdb

from core.diagnosis import errors, levers, model_gap
from core.diagnosis.intervals import Rate
from core.diagnosis.levers import Finding, Kind
from core.evaluation import eval_sets, ladders, lookups, pairs, results, retrieving, sources, winners
from core.evaluation.tasks import Task
from core.locale import catalogue
from core.release import plans
from core.review import agreement, error_counts
from core.training import trials


def bases(conn: duckdb.DuckDBPyConnection, task: Task) -> dict[str, str]:
    """Models that a recommendation may be about, by id with their names: that of the newest trial, then as asked."""
    asked = sorted(_climbs(conn, task), key=lambda climb: climb.runs[0]["created_at"])
    found = {climb.model_id: climb.model_name for climb in asked}
    found |= {run["model_id"]: run["model_name"] for run in pairs.of_task(conn, task.task_id)}
    trial = next(iter(trials.of_task(conn, task.task_id)), None)
    first = trial["base_model_id"] if trial else None
    return dict(sorted(found.items(), key=lambda one: one[0] != first))


def facts(conn: duckdb.DuckDBPyConnection, task: Task, base: str | None, viewer: str) -> dict[Kind, Finding]:
    """Every finding on that base. What is not measured to its end, or what the viewer may not see yet, is not in it."""
    found: dict[Kind, Finding | None] = {
        "proof": _proof(conn, task, base),
        **_ladder(conn, task, base),
        "probe": _probe(conn, task, base),
        "models": _models(conn, task, base),
        "retrieval": _retrieval(conn, task, base),
        "agreement": _agreement(conn, task, viewer),
    }
    return {kind: finding for kind, finding in found.items() if finding is not None}


def _proof(conn: duckdb.DuckDBPyConnection, task: Task, base: str | None) -> Finding | None:
    of_base = (one for one in trials.of_task(conn, task.task_id) if one["base_model_id"] == base)
    trial = next(of_base, None)
    report = plans.report(conn, trial["trial_id"]) if trial and trial["model_id"] else None
    return Finding(verdict=report.proof.verdict, sentence=report.proof.sentence) if report else None


def _climbs(conn: duckdb.DuckDBPyConnection, task: Task) -> list[ladders.Climb]:
    return [
        climb
        for one in eval_sets.of_task(conn, task.task_id)
        for climb in ladders.of_set(conn, task.task_id, one.name)
        if climb.complete
    ]


def _ladder(conn: duckdb.DuckDBPyConnection, task: Task, base: str | None) -> dict[Kind, Finding]:
    """Of the base's newest complete climb with several prompts, whatever set it is on; with what the locked samples
    say of a prompt that reaches the target."""
    climbs = [climb for climb in _climbs(conn, task) if climb.model_id == base and len(climb.runs) > 1]
    if not climbs:
        return {}
    newest = max(climbs, key=lambda climb: climb.runs[0]["created_at"])
    judged = results.judge_ladder(conn, task, newest.runs)
    found: dict[Kind, Finding] = {"ladder": Finding(verdict=judged.verdict, sentence=judged.sentence)}
    best = next(run for run in newest.runs if run["rung"] == judged.best)
    of_set = eval_sets.find(conn, best["eval_set_id"]) if judged.verdict == "on_target" else None
    asked = of_set and winners.locked(
        conn, task.task_id, of_set.name, newest.model_id, best["prompt_id"], retrieving.of_run(best)
    )
    if asked and all(run["answered"] >= run["planned"] for run in asked):
        confirmed = winners.confirmed(conn, task, asked)
        found["locked"] = Finding(verdict=confirmed.verdict, sentence=confirmed.sentence)
    return found


def _probe(conn: duckdb.DuckDBPyConnection, task: Task, base: str | None) -> Finding | None:
    asked = next((run for run in pairs.of_task(conn, task.task_id) if run["model_id"] == base), None)
    if asked is None:
        return None
    judged = pairs.judge(conn, task, asked["run_id"])
    return Finding(verdict=judged.verdict, sentence=judged.sentence)


def _models(conn: duckdb.DuckDBPyConnection, task: Task, base: str | None) -> Finding | None:
    """Of the base's widest comparison: the prompt that most models were asked with."""
    found = [
        compared
        for one in eval_sets.of_task(conn, task.task_id)
        for compared in ladders.same_prompt(conn, task.task_id, one.name)
        if len(compared) > 1 and base in {run["model_id"] for run in compared}
    ]
    if not found:
        return None
    judged = judge_models(conn, task, max(found, key=len), base)
    return Finding(verdict=judged.verdict, sentence=judged.sentence) if judged else None


def _retrieval(conn: duckdb.DuckDBPyConnection, task: Task, base: str | None) -> Finding | None:
    """Of the base's newest run that looked passages up and whose samples name their sources."""
    for run in (one for one in lookups.runs_of(conn, task.task_id) if one["model_id"] == base):
        search, lost = sources.of_run(conn, task, run)
        if search.hits.n:
            return Finding(verdict=lost.place, sentence=lost.sentence)
    return None


def judge_models(
    conn: duckdb.DuckDBPyConnection, task: Task, runs: list[Mapping[str, Any]], base: str | None
) -> model_gap.ModelGap | None:
    """The verdict over one run per model, on the samples that every model has a score for; None without any."""
    found = results.shared(conn, [run["run_id"] for run in runs], task.plan.metric)
    if not found.groups or len(runs) < 2 or base is None:
        return None
    names = {run["model_id"]: name_of(run, runs) for run in runs}
    return model_gap.judge(
        {names[run["model_id"]]: found.values[run["run_id"]] for run in runs},
        base=names[base],
        target=task.target,
        groups=found.groups,
    )


def name_of(run: Mapping[str, Any], runs: list[Mapping[str, Any]]) -> str:
    """The model's name, told apart from another of the same name."""
    same = [one for one in runs if one["model_name"] == run["model_name"]]
    return run["model_name"] if len(same) == 1 else f"{run['model_name']} ({run['model_id'][-4:]})"


def _agreement(conn: duckdb.DuckDBPyConnection, task: Task, viewer: str) -> Finding | None:
    """Of the newest queue in which two people judged the same answers."""
    found = agreement.of_task(conn, task.task_id, viewer)
    return Finding(verdict=levers.agreed(found), sentence=found.sentence) if found else None


def error_shares(conn: duckdb.DuckDBPyConnection, task: Task) -> dict[str, Rate]:
    """The share of each error type among the failed samples of every version that may be seen."""
    run_ids = [run_id for version in judged_versions(conn, task) for run_id in version["run_ids"]]
    return error_counts.of_runs(conn, run_ids)


def errors_in(task: Task, shares: Mapping[str, Rate], language: str) -> dict[Kind, Finding]:
    """What raters named as errors, the types in that language; nothing when they named none."""
    if not shares:
        return {}
    judged = errors.judge(shares, {one["id"]: catalogue.either(language, one) for one in task.error_types})
    return {"errors": Finding(verdict=judged.dominant or "mixed", sentence=judged.sentence)}


def judged_versions(conn: duckdb.DuckDBPyConnection, task: Task) -> list[dict[str, Any]]:
    """Versions whose answers people have judged; without those of a proof that is still hidden."""
    return [
        version
        for version in error_counts.versions(conn, task.task_id)
        if all(plans.report(conn, trial_id) is not None for trial_id in version["trials"])
    ]
