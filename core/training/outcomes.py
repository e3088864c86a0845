"""What comes of a trial: a model version, and the proof that follows by itself on gate and retain."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from core import content
from core.errors import Refusal
from core.evaluation import eval_sets, models, prompts, retrieving, runs
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.jobs.jobs import Job
from core.locale.mark import N_
from core.settings import Settings
from core.training import trials

Insert = Callable[[duckdb.DuckDBPyConnection], dict[str, Any]]

BEFORE, AFTER = "before", "after"


def of_job(
    settings: Settings, conn: duckdb.DuckDBPyConnection, job: Job, folder: Path, result: Mapping[str, Any]
) -> Insert:
    """Move the adapter to its place and prepare what is inserted with the job's end: model version and proof runs."""
    trial = trials.find(conn, str(job.spec["trial_id"]))
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
    number = len([one for one in trials.of_task(conn, trial["task_id"], parts=True) if one["model_id"]]) + 1
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
    wanted = plans(conn, trial, base, model)
    title = N_("Proof: %(model)s against %(base)s on gate and retain")
    if trial["part"] is not None:
        title = N_("Learning curve: %(model)s on dev")
    proof = runs.new_job(trial["task_id"], job.by, title, {"model": model.name, "base": base.name})

    def insert(inside: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        models.insert(inside, model, job.by)
        runs.add(inside, job=proof, plans=wanted)
        return {"model": model.model_id, "proof": proof.job_id}

    return insert


def plans(conn: duckdb.DuckDBPyConnection, trial: Mapping[str, Any], base: Model, tuned: Model) -> list[runs.Plan]:
    """On gate and on retain: the base with the prompt that has to be beaten, and the tuned model with its own.

    The tuned model also answers the dev samples, where every rung of the ladder has answered: gate samples are for
    one question only. A set that is not the trained one is asked with the first prompt of its own ladder. A trial on
    a part of the samples proves nothing and answers dev only. Every prompt with a place for passages gets them from the
    trial's index, so that both sides are shown the same.
    """
    eval_set = eval_sets.find(conn, trial["eval_set_id"])
    taught = prompts.find(conn, trial["prompt_id"])
    baseline = prompts.find(conn, trial["baseline_prompt_id"])
    if eval_set is None or taught is None or baseline is None:
        raise LookupError("A trial is saved after its set and its prompts.")
    retrieval = retrieving.of_run(trial)

    def plan(prompt: Prompt, **more: Any) -> runs.Plan:
        looked_up = retrieving.of_prompt(retrieval, prompt)
        return runs.Plan(prompt=prompt, retrieval=looked_up, purpose="proof", trial_id=str(trial["trial_id"]), **more)

    own: dict[str, Any] = {"rung": AFTER, "model": tuned, "side": "after", "eval_set": eval_set}
    if trial["part"] is not None:
        return [plan(taught, split="dev", **own)]
    found = [
        plan(baseline, rung=trial["baseline_rung"], model=base, side="before", eval_set=eval_set, split="gate"),
        plan(taught, split="gate", **own),
    ]
    if eval_set.counts.get("dev"):
        found.append(plan(taught, split="dev", **own))
    for other in eval_sets.of_task(conn, trial["task_id"]):
        if not other.counts.get("retain"):
            continue
        ladder = prompts.ladder(conn, trial["task_id"], other.name)
        if other.name == eval_set.name:
            before, after = baseline, taught
        elif ladder is not None:
            before = after = ladder.rungs[0][1]
        else:
            raise Refusal(
                N_("The eval set “%(name)s” has retain samples but no prompt to ask them with. Make a ladder for it."),
                name=other.name,
            )
        found.append(plan(before, rung=BEFORE, model=base, side="before", eval_set=other, split="retain"))
        found.append(plan(after, rung=AFTER, model=tuned, side="after", eval_set=other, split="retain"))
    return found
