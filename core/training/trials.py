"""Trials: one training job on one frozen set, and the proof that follows by itself on gate and retain."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import eval_sets, models, prompts, runs
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.jobs import folder as job_folder
from core.jobs import jobs
from core.jobs.jobs import Job
from core.locale.mark import N_
from core.settings import SAMPLES, Settings
from core.store import audit, database
from core.training import training_sets
from core.training.recipes import Recipe
from core.training.training_sets import TrainingSet

Insert = Callable[[duckdb.DuckDBPyConnection], dict[str, Any]]


def start(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    eval_set: EvalSet,
    training_set: TrainingSet,
    base: Model,
    baseline: tuple[str, Prompt],
    recipe: Recipe,
    goes_on: Model | None = None,
) -> str:
    """Queue the training; returns the trial's id. What it must beat is fixed here, before any gate result exists.

    With `goes_on`, it starts from what that tuned model has learned. Raises Refusal when the base is not a local
    model, when the set is not for the recipe's method, or when it has no gate samples to prove anything on.
    """
    roles.require(by, "train.start")
    _check(base, training_set, recipe, goes_on)
    if not eval_set.counts.get("gate"):
        raise Refusal(
            N_(
                "The eval set “%(name)s” has no gate samples, so nothing could be proven. "
                "Import a version with a gate share."
            ),
            name=eval_set.name,
        )
    trial_id, job_id = uuid4().hex, uuid4().hex
    values = {"rows": training_set.row_count, "model": base.name}
    job = Job(
        job_id=job_id,
        kind="train",
        task_id=eval_set.task_id,
        title=N_("Trial fine-tune of %(model)s on %(rows)s approved samples"),
        values=values,
        spec={"trial_id": trial_id},
        by=by.person_id,
    )
    row = {
        "trial_id": trial_id,
        "task_id": eval_set.task_id,
        "training_set_id": training_set.training_set_id,
        "base_model_id": base.model_id,
        "prompt_id": training_set.prompt_id,
        "baseline_rung": baseline[0],
        "baseline_prompt_id": baseline[1].prompt_id,
        "eval_set_id": eval_set.eval_set_id,
        "recipe": content.canonical(asdict(recipe)),
        "start_model_id": goes_on.model_id if goes_on else None,
        "job_id": job_id,
        "created_by": by.person_id,
        "created_at": database.now(),
    }
    with audit.change(
        conn, actor=by.person_id, act="trial.started", subject=trial_id, detail={"job": job_id, **values}
    ):
        jobs.insert(conn, job)
        database.insert(conn, "trials", [row])
    return trial_id


def _check(base: Model, training_set: TrainingSet, recipe: Recipe, goes_on: Model | None) -> None:
    if base.kind != "local":
        raise Refusal(
            N_("“%(name)s” cannot be trained here: only a local model folder can. Choose one."), name=base.name
        )
    if training_set.method != recipe.method:
        raise Refusal(N_("This training set is for another method. Freeze one for the method of the settings."))
    if goes_on is not None and goes_on.base_model_id != base.model_id:
        raise Refusal(
            N_("“%(name)s” was trained on another base than “%(base)s”. Choose a model of the same base."),
            name=goes_on.name,
            base=base.name,
        )


def find(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, Any] | None:
    """The trial's row with `recipe` as a dict, and `model_id` and `model_name` of what it made, if it has."""
    row = database.row(conn, _WITH_MODEL + " where t.trial_id = ?", [trial_id])
    return {**row, "recipe": json.loads(row["recipe"])} if row else None


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's trials, the newest first, as `find` gives them."""
    found = database.rows(conn, _WITH_MODEL + " where t.task_id = ? order by t.created_at desc", [task_id])
    return [{**row, "recipe": json.loads(row["recipe"])} for row in found]


_WITH_MODEL = """
    select t.*, m.model_id, m.name as model_name, s.row_count
    from trials as t join training_sets as s using (training_set_id)
    left join (
        select model_id, name, lineage ->> 'trial_id' as trial_id from models where kind = 'adapter'
        qualify row_number() over (partition by lineage ->> 'trial_id' order by created_at desc) = 1
    ) as m on m.trial_id = t.trial_id
"""


def inputs(conn: duckdb.DuckDBPyConnection, job_id: str, folder: Path) -> dict[str, Any]:
    """Write the trainer's rows into the folder and return its spec."""
    row = database.row(conn, "select * from trials where job_id = ?", [job_id])
    assert row is not None, "a train job is saved with its trial"
    base = models.find(conn, row["base_model_id"])
    assert base is not None
    start = models.find(conn, row["start_model_id"]) if row["start_model_id"] else None
    recipe = json.loads(row["recipe"])
    _write_rows(conn, row["training_set_id"], recipe, folder)
    return {"kind": "train", "base": base.path, "recipe": recipe, "start": start.path if start else None}


def _write_rows(conn: duckdb.DuckDBPyConnection, training_set_id: str, recipe: Mapping[str, Any], folder: Path) -> None:
    job_folder.write_lines(folder / "train.jsonl", training_sets.rows(conn, training_set_id))
    if recipe["replay_share"] and recipe.get("method", "sft") == "sft":
        job_folder.write_lines(folder / "replay.jsonl", job_folder.read_lines(SAMPLES / "general_replay.jsonl"))


def probe(
    conn: duckdb.DuckDBPyConnection, *, by: Person, training_set: TrainingSet, base: Model, recipe: Recipe
) -> str:
    """Queue a look at how such a training would go, which keeps nothing; returns the job's id."""
    roles.require(by, "train.start")
    _check(base, training_set, recipe, None)
    job_id = uuid4().hex
    job = Job(
        job_id=job_id,
        kind="probe",
        task_id=training_set.task_id,
        title=N_("Check and estimate for %(model)s on %(rows)s approved samples"),
        values={"model": base.name, "rows": training_set.row_count},
        spec={
            "training_set_id": training_set.training_set_id,
            "base_model_id": base.model_id,
            "recipe": asdict(recipe),
        },
        by=by.person_id,
    )
    with audit.change(conn, actor=by.person_id, act="trial.probed", subject=job_id):
        jobs.insert(conn, job)
    return job_id


def probe_inputs(conn: duckdb.DuckDBPyConnection, job: Job, folder: Path) -> dict[str, Any]:
    """Write the rows into the folder and return the spec of a probe."""
    base = models.find(conn, str(job.spec["base_model_id"]))
    assert base is not None
    _write_rows(conn, str(job.spec["training_set_id"]), job.spec["recipe"], folder)
    return {"kind": "probe", "base": base.path, "recipe": job.spec["recipe"]}


def outcome(
    settings: Settings, conn: duckdb.DuckDBPyConnection, job: Job, folder: Path, result: Mapping[str, Any]
) -> Insert:
    """Move the adapter to its place and prepare what is inserted with the job's end: model version and proof runs."""
    trial = find(conn, str(job.spec["trial_id"]))
    assert trial is not None
    base = models.find(conn, trial["base_model_id"])
    assert base is not None
    made_of = {"base": dict(base.file_hashes), "adapter": result["files"], "trial": trial["trial_id"]}
    model_id = content.name("model", made_of)
    if models.find(conn, model_id) is not None:  # a stopped training that went on and found nothing better
        return lambda _: {"model": model_id}
    place = settings.adapters / model_id
    if not place.exists():
        # Copied under another name first: a folder with a model's name is always a whole one.
        partial = place.with_name(place.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copytree(folder / str(result["adapter"]), partial)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)  # a full disk: nothing half remains, the next step tries again
            raise
        partial.replace(place)
    number = len([one for one in of_task(conn, trial["task_id"]) if one["model_id"]]) + 1
    model = Model(
        model_id=model_id,
        name=f"{base.name} · v{number}",
        kind="adapter",
        path=str(place),
        base_model_id=base.model_id,
        file_hashes=result["files"],
        lineage={
            "trial_id": trial["trial_id"],
            "training_set_id": trial["training_set_id"],
            "recipe": trial["recipe"],
            "start_model_id": trial["start_model_id"],
            "summary": result.get("summary", {}),
            "stopped_early": result["status"] == "stopped",
        },
    )
    plans = proof_plans(conn, trial, base, model)
    title = N_("Proof: %(model)s against %(base)s on gate and retain")
    proof = runs.new_job(trial["task_id"], job.by, title, {"model": model.name, "base": base.name})

    def insert(inside: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        models.insert(inside, model, job.by)
        runs.add(inside, job=proof, plans=plans)
        return {"model": model.model_id, "proof": proof.job_id}

    return insert


def proof_plans(
    conn: duckdb.DuckDBPyConnection, trial: Mapping[str, Any], base: Model, tuned: Model
) -> list[runs.Plan]:
    """On gate and on retain: the base with the prompt that has to be beaten, and the tuned model with its own.

    The tuned model also answers the dev samples, where every rung of the ladder has answered: gate samples are for
    one question only. A set that is not the trained one is asked with the first prompt of its own ladder.
    """
    eval_set = eval_sets.find(conn, trial["eval_set_id"])
    taught = prompts.find(conn, trial["prompt_id"])
    baseline = prompts.find(conn, trial["baseline_prompt_id"])
    if eval_set is None or taught is None or baseline is None:
        raise LookupError("A trial is saved after its set and its prompts.")
    common: dict[str, Any] = {"purpose": "proof", "trial_id": trial["trial_id"]}
    own_set: dict[str, Any] = {"eval_set": eval_set, **common}
    tuned_run: dict[str, Any] = {"rung": AFTER, "prompt": taught, "model": tuned, "side": "after", **own_set}
    rung = trial["baseline_rung"]
    plans = [
        runs.Plan(split="gate", rung=rung, prompt=baseline, model=base, side="before", **own_set),
        runs.Plan(split="gate", **tuned_run),
    ]
    if eval_set.counts.get("dev"):
        plans.append(runs.Plan(split="dev", **tuned_run))
    for other in eval_sets.of_task(conn, trial["task_id"]):
        if not other.counts.get("retain"):
            continue
        own = prompts.ladder(conn, trial["task_id"], other.name)
        if other.name == eval_set.name:
            before, after = baseline, taught
        elif own is not None:
            before = after = own.rungs[0][1]
        else:
            raise Refusal(
                N_("The eval set “%(name)s” has retain samples but no prompt to ask them with. Make a ladder for it."),
                name=other.name,
            )
        retain: dict[str, Any] = {"eval_set": other, "split": "retain", **common}
        plans.append(runs.Plan(rung=BEFORE, prompt=before, model=base, side="before", **retain))
        plans.append(runs.Plan(rung=AFTER, prompt=after, model=tuned, side="after", **retain))
    return plans


BEFORE, AFTER = "before", "after"
