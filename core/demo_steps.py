"""The steps of the demo: the ladder, an expert who knows the references, the trial with its proof."""

import time
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from core import demo_report
from core.access import roles
from core.access.people import Person
from core.demo_report import Say
from core.errors import Refusal
from core.evaluation import models, results, runs
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Ladder
from core.evaluation.tasks import Task
from core.jobs import jobs, progress, supervisor
from core.jobs.launchers import LocalLauncher
from core.locale.mark import N_
from core.release import proofs
from core.review import approvals, obstacles, queues, ratings
from core.scoring import scorers
from core.settings import Settings
from core.training import recipes, training_sets, trials

EXPERT = Person(person_id="demo", name="demo", roles=frozenset(roles.ROLES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What every step needs: where it happens, whom it tells, and what is asked of which model."""

    settings: Settings
    conn: duckdb.DuckDBPyConnection
    say: Say
    task: Task
    eval_set: EvalSet
    ladder: Ladder
    base: Model


def wait(settings: Settings, conn: duckdb.DuckDBPyConnection, say: Say, job_id: str) -> None:
    """Until no job is open. Raises Refusal with the job's message if it is not done then."""
    launcher, told = LocalLauncher(), ""
    while supervisor.step(settings, conn, launcher):
        for running in jobs.in_states(conn, "running"):
            now = progress.read(jobs.folder_of(settings, running.job_id))
            line = f"  {running.title % running.values}: {now.phase} {int(now.share * 10) * 10}%"
            if line != told:
                say(line)
            told = line
        time.sleep(0.5)
    job = jobs.find(conn, job_id)
    if job is not None and job.state != "done":
        raise Refusal(job.message or N_("The job did not finish. Look at its log."), **job.message_values)


def climb(walk: Walk) -> dict[str, Any]:
    """Run the ladder on dev; returns its table, its verdict and the best rung."""
    job_id = runs.start_ladder(walk.conn, by=EXPERT, eval_set=walk.eval_set, ladder=walk.ladder, model=walk.base)
    wait(walk.settings, walk.conn, walk.say, job_id)
    of_runs = runs.latest_ladder(walk.conn, walk.task.task_id, walk.eval_set.name)
    found = results.table(walk.conn, of_runs)
    walk.say("\nLadder on the dev samples (share, 95% interval, n):")
    for row in found.to_dict("records"):
        walk.say(f"  {row['rung']}  {row['metric']:<16} {demo_report.rate(row)}")
    judged = results.judge_ladder(walk.conn, walk.task, of_runs)
    walk.say(f"  {judged.sentence}")
    return {
        "best": results.best_rung(walk.conn, walk.task, of_runs),
        "verdict": judged.verdict,
        "sentence": str(judged.sentence),
        "table": found.drop(columns="run_id").to_dict("records"),
    }


def approve(walk: Walk) -> dict[str, int]:
    """Rate every train answer as an expert would who knows the references, and approve what comes of it."""
    conn, eval_set = walk.conn, walk.eval_set
    rung, prompt = walk.ladder.rungs[0]
    job_id = runs.start_collecting(conn, by=EXPERT, eval_set=eval_set, rung=rung, prompt=prompt, model=walk.base)
    wait(walk.settings, conn, walk.say, job_id)
    run = runs.latest(conn, eval_set.task_id, "collect")
    assert run is not None
    queue = queues.create(conn, by=EXPERT, task_id=eval_set.task_id, run_ids=[run["run_id"]])
    passed = corrected = 0
    for item in ratings.waiting(conn, queue, EXPERT.person_id, limit=run["planned"]):
        values = {
            score.metric: score.value
            for score in scorers.score(eval_set.scorer, item.text, item.reference, dict(eval_set.schema or {}) or None)
        }
        judgement: dict[str, Any] = {"verdict": "pass"}
        if values.get("correct") != 1 or values.get("valid", 1) != 1:
            kind = "format" if values.get("valid") == 0 else "knowledge"
            judgement = {"verdict": "fail", "error_types": [kind], "correction": item.reference}
        ratings.record(conn, ratings.Rating(queue_id=queue, answer_id=item.answer_id, **judgement), by=EXPERT)
        passed, corrected = passed + (judgement["verdict"] == "pass"), corrected + ("correction" in judgement)
    candidates = approvals.candidates(conn, eval_set.task_id)
    refused = obstacles.of(conn, eval_set.task_id, candidates)
    waiting = [row["sample_id"] for row in candidates if row["sample_id"] not in refused]
    approvals.look(conn, by=EXPERT, task_id=eval_set.task_id, sample_ids=waiting)
    approvals.decide(conn, by=EXPERT, task_id=eval_set.task_id, sample_ids=waiting, decision="approved")
    walk.say(
        f"\nRated {passed + corrected} train answers: {passed} pass, {corrected} corrected; approved {len(waiting)}."
    )
    return {"passed": passed, "corrected": corrected, "approved": len(waiting)}


def train(walk: Walk, best: str, seed: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Train on what is approved and prove it against the best rung; returns the report, and seconds by step."""
    frozen = training_sets.freeze(walk.conn, by=EXPERT, task_id=walk.task.task_id, prompt=walk.ladder.rungs[0][1])
    trial_id = trials.start(
        walk.conn,
        by=EXPERT,
        eval_set=walk.eval_set,
        training_set=frozen,
        base=walk.base,
        baseline=(best, dict(walk.ladder.rungs)[best]),
        recipe=replace(recipes.default(frozen.row_count), seed=seed),
    )
    trial = trials.find(walk.conn, trial_id)
    assert trial is not None
    began = time.monotonic()
    wait(walk.settings, walk.conn, walk.say, trial["job_id"])
    both = round(time.monotonic() - began, 1)
    report = proofs.report(walk.conn, trial_id)
    model = models.find(walk.conn, str((trials.find(walk.conn, trial_id) or {}).get("model_id")))
    if report is None or model is None:
        raise Refusal(N_("The proof did not finish. Look at the jobs' logs."))
    summary = dict(model.lineage["summary"])
    walk.say(f"\nTraining: {summary}")
    between = f"Before is rung {best} on {walk.base.name}; after is {model.name}."
    made = {
        "training": {
            "rows": frozen.row_count,
            "seed": seed,
            "left_out": len(frozen.composition["left_out"]),
            **summary,
        },
        **demo_report.tell(walk.conn, walk.say, walk.task, between, report),
    }
    trained = float(summary.get("wall_s", 0.0))
    return made, {"training": round(trained, 1), "proof": round(both - trained, 1)}
