"""The whole chain without a browser: ladder, rating, approval, training, proof, on the demo task or on a file."""

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from core import demo_report
from core.access import roles
from core.access.people import Person
from core.demo_report import Say
from core.errors import Refusal
from core.evaluation import (
    columns,
    demo_task,
    eval_sets,
    files,
    importing,
    ladder_templates,
    models,
    prompts,
    results,
    runs,
    tasks,
)
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
from core.store import audit, database
from core.training import recipes, training_sets, trials

EXPERT = Person(person_id="demo", name="demo", roles=frozenset(roles.ROLES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of one's own: which columns to use, which references to keep, and how many rows at most."""

    file: Path
    input: str
    reference: str
    labels: tuple[str, ...] = ()
    limit: int = 320


def run(
    settings: Settings, say: Say, source: Source | None = None, model: Path | None = None, seed: int = 0
) -> dict[str, Any]:
    """Walk the chain in a data folder of its own and return what came of it, ready for JSON.

    `seed` is that of the training: which result it ends with beside another seed's is its noise.
    Raises Refusal when a step cannot be done; what was done before stays in the folder.
    """
    began = time.monotonic()
    shutil.rmtree(settings.data, ignore_errors=True)
    conn = database.connect(settings)
    cursor = conn.cursor()
    try:
        task, eval_set = _task(cursor, source)
        say(f"{eval_set.name}: {sum(eval_set.counts.values())} samples {dict(eval_set.counts)}")
        base = models.register_local(cursor, by=EXPERT, folder=model) if model else _starter(settings, cursor, say)
        ladder = prompts.ladder(cursor, task.task_id, eval_set.name)
        assert ladder is not None
        climbed, seconds = _timed(lambda: _climb(settings, cursor, say, task, eval_set, ladder, base))
        approved, collecting = _timed(lambda: _approve(settings, cursor, say, eval_set, ladder, base))
        report, timings = _train(settings, cursor, say, task, eval_set, ladder, base, climbed["best"], seed)
        made = {
            "task": task.name["en"],
            "model": base.name,
            "splits": dict(eval_set.counts),
            "ladder": climbed,
            "approved": approved,
            **report,
            "audit_entries": cursor.execute("select count(*) from audit_events").fetchone()[0],  # type: ignore[index]
            "audit_intact": audit.first_bad_entry(cursor) is None,
            "seconds": {"ladder": seconds, "collecting": collecting, **timings},
        }
        made["seconds"]["all"] = round(time.monotonic() - began, 1)
        say(f"\nWall time {made['seconds']['all'] / 60:.1f} minutes: {made['seconds']}")
        return made
    finally:
        conn.close()


def fetch(settings: Settings, say: Say) -> Model:
    """Fetch the starter model into the settings' models folder, through a job as the app does."""
    shutil.rmtree(settings.data, ignore_errors=True)
    conn = database.connect(settings)
    try:
        return _starter(settings, conn.cursor(), say)
    finally:
        conn.close()


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.monotonic()
    return work(), round(time.monotonic() - began, 1)


def _task(conn: duckdb.DuckDBPyConnection, source: Source | None) -> tuple[Task, EvalSet]:
    if source is None:
        task = demo_task.create(conn, by=EXPERT)
        return task, next(one for one in eval_sets.of_task(conn, task.task_id) if one.name == demo_task.TRIAGE)
    table = files.read(source.file.name, source.file.read_bytes())
    checked = importing.check(table, columns.Mapping(input=source.input, reference=source.reference))
    rows = [row for row in checked.rows if not source.labels or row.reference in source.labels]
    if not rows:
        raise Refusal(
            N_("No row of %(file)s has one of the references %(labels)s. Check the spelling."),
            file=source.file.name,
            labels=", ".join(source.labels),
        )
    rows = random.Random(0).sample(rows, min(source.limit, len(rows)))
    name = source.file.stem
    task = tasks.create(conn, by=EXPERT, name={"en": name, "zh": name}, description={"en": "", "zh": ""})
    scorer = scorers.suggest([row.reference for row in rows])
    schema = scorers.infer_schema([row.reference for row in rows]) if scorer == "json" else None
    common: dict[str, Any] = {"by": EXPERT, "task_id": task.task_id}
    eval_set = eval_sets.save(conn, name=name, rows=rows, scorer=scorer, schema=schema, **common)
    samples = eval_sets.samples(conn, eval_set.eval_set_id)
    prompts.save_ladder(conn, eval_set_name=name, rungs=ladder_templates.ladder(samples, scorer, schema), **common)
    demo_task.add_general(conn, **common)
    return task, eval_set


def _starter(settings: Settings, conn: duckdb.DuckDBPyConnection, say: Say) -> Model:
    say("Starter model: fetching it unless it is there.")
    job_id = models.fetch_starter(conn, by=EXPERT)
    _wait(settings, conn, say, job_id)
    return models.everything(conn)[-1]


def _wait(settings: Settings, conn: duckdb.DuckDBPyConnection, say: Say, *job_ids: str) -> None:
    launcher, told = LocalLauncher(), ""
    while supervisor.step(settings, conn, launcher):
        for running in jobs.in_states(conn, "running"):
            now = progress.read(jobs.folder_of(settings, running.job_id))
            line = f"  {running.title % running.values}: {now.phase} {int(now.share * 10) * 10}%"
            if line != told:
                say(line)
            told = line
        time.sleep(0.5)
    for job_id in job_ids:
        job = jobs.find(conn, job_id)
        if job is not None and job.state != "done":
            raise Refusal(job.message or N_("The job did not finish. Look at its log."), **job.message_values)


def _climb(
    settings: Settings,
    conn: duckdb.DuckDBPyConnection,
    say: Say,
    task: Task,
    eval_set: EvalSet,
    ladder: Ladder,
    base: Model,
) -> dict[str, Any]:
    _wait(settings, conn, say, runs.start_ladder(conn, by=EXPERT, eval_set=eval_set, ladder=ladder, model=base))
    of_runs = runs.latest_ladder(conn, task.task_id, eval_set.name)
    found = results.table(conn, of_runs)
    say("\nLadder on the dev samples (share, 95% interval, n):")
    for row in found.to_dict("records"):
        say(f"  {row['rung']}  {row['metric']:<16} {demo_report.rate(row)}")
    judged = results.judge_ladder(conn, task, of_runs)
    say(f"  {judged.sentence}")
    return {
        "best": results.best_rung(conn, task, of_runs),
        "verdict": judged.verdict,
        "sentence": str(judged.sentence),
        "table": found.drop(columns="run_id").to_dict("records"),
    }


def _approve(
    settings: Settings,
    conn: duckdb.DuckDBPyConnection,
    say: Say,
    eval_set: EvalSet,
    ladder: Ladder,
    base: Model,
) -> dict[str, int]:
    """Rate every train answer as an expert would who knows the references, and approve what comes of it."""
    rung, prompt = ladder.rungs[0]
    _wait(
        settings,
        conn,
        say,
        runs.start_collecting(conn, by=EXPERT, eval_set=eval_set, rung=rung, prompt=prompt, model=base),
    )
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
    say(f"\nRated {passed + corrected} train answers: {passed} pass, {corrected} corrected; approved {len(waiting)}.")
    return {"passed": passed, "corrected": corrected, "approved": len(waiting)}


def _train(
    settings: Settings,
    conn: duckdb.DuckDBPyConnection,
    say: Say,
    task: Task,
    eval_set: EvalSet,
    ladder: Ladder,
    base: Model,
    best: str,
    seed: int,
) -> tuple[dict[str, Any], dict[str, float]]:
    frozen = training_sets.freeze(conn, by=EXPERT, task_id=task.task_id, prompt=ladder.rungs[0][1])
    trial_id = trials.start(
        conn,
        by=EXPERT,
        eval_set=eval_set,
        training_set=frozen,
        base=base,
        baseline=(best, dict(ladder.rungs)[best]),
        recipe=replace(recipes.default(frozen.row_count), seed=seed),
    )
    trial = trials.find(conn, trial_id)
    assert trial is not None
    began = time.monotonic()
    _wait(settings, conn, say, trial["job_id"])
    both = round(time.monotonic() - began, 1)
    report = proofs.report(conn, trial_id)
    model = models.find(conn, str((trials.find(conn, trial_id) or {}).get("model_id")))
    if report is None or model is None:
        raise Refusal(N_("The proof did not finish. Look at the jobs' logs."))
    summary = dict(model.lineage["summary"])
    say(f"\nTraining: {summary}")
    between = f"Before is rung {best} on {base.name}; after is {model.name}."
    made = {
        "training": {
            "rows": frozen.row_count,
            "seed": seed,
            "left_out": len(frozen.composition["left_out"]),
            **summary,
        },
        **demo_report.tell(conn, say, task, between, report),
    }
    trained = float(summary.get("wall_s", 0.0))
    return made, {"training": round(trained, 1), "proof": round(both - trained, 1)}
