"""Trials: one training job on one frozen set; what comes of it is in `outcomes`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import eval_sets, models, prompts, retrieving
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.jobs import folder as job_folder
from core.jobs import jobs
from core.jobs.jobs import Job
from core.locale.mark import N_
from core.settings import SAMPLES
from core.store import audit, database
from core.training import recipes, training_sets
from core.training.recipes import Recipe
from core.training.training_sets import TrainingSet


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
    retrieval: Retrieval | None = None,
) -> str:
    """Queue the training; returns the trial's id. What it must beat is fixed here, before any gate result exists.

    With `goes_on`, it starts from what that tuned model has learned; the proof looks up as `retrieval` says. Raises
    Refusal when the base is not a local model, when the set is not for the recipe's method, when it has no gate
    samples to prove anything on, or when a prompt has a place for passages and nothing would be looked up.
    """
    roles.require(by, "train.start")
    check(base, training_set, recipe, goes_on)
    check_retrieval(conn, training_set, baseline[1], retrieval)
    if not eval_set.counts.get("gate"):
        raise Refusal(
            N_(
                "The eval set “%(name)s” has no gate samples, so nothing could be proven. "
                "Import a version with a gate share."
            ),
            name=eval_set.name,
        )
    trial_id = uuid4().hex
    with audit.change(conn, actor=by.person_id, act="trial.started", subject=trial_id) as detail:
        detail |= add(
            conn,
            trial_id=trial_id,
            by=by.person_id,
            eval_set=eval_set,
            training_set=training_set,
            base=base,
            baseline=baseline,
            recipe=recipe,
            goes_on=goes_on,
            retrieval=retrieval,
        )
    return trial_id


def repeat(conn: duckdb.DuckDBPyConnection, *, by: Person, trial_id: str) -> str:
    """Queue a trial once more with the next seed and all else as it was; returns the new trial's id.

    What then differs between the two is training noise. Raises Refusal as `start` does.
    """
    roles.require(by, "train.start")
    trial = find(conn, trial_id)
    assert trial is not None, "the page lists trials"
    of_set = [one for one in of_task(conn, trial["task_id"]) if one["training_set_id"] == trial["training_set_id"]]
    seed = max(one["recipe"]["seed"] for one in of_set) + 1
    eval_set = eval_sets.find(conn, trial["eval_set_id"])
    training_set = training_sets.find(conn, trial["training_set_id"])
    base = models.find(conn, trial["base_model_id"])
    baseline = prompts.find(conn, trial["baseline_prompt_id"])
    assert eval_set is not None
    assert training_set is not None
    assert base is not None
    assert baseline is not None
    return start(
        conn,
        by=by,
        eval_set=eval_set,
        training_set=training_set,
        base=base,
        baseline=(trial["baseline_rung"], baseline),
        recipe=replace(recipes.read(trial["recipe"]), seed=seed),
        goes_on=models.find(conn, trial["start_model_id"]) if trial["start_model_id"] else None,
        retrieval=Retrieval(index_id=trial["index_id"], k=trial["k"]) if trial["index_id"] else None,
    )


def add(
    conn: duckdb.DuckDBPyConnection,
    *,
    trial_id: str,
    by: str,
    eval_set: EvalSet,
    training_set: TrainingSet,
    base: Model,
    baseline: tuple[str, Prompt],
    recipe: Recipe,
    goes_on: Model | None = None,
    curve_id: str | None = None,
    part: float | None = None,
    retrieval: Retrieval | None = None,
) -> dict[str, Any]:
    """The bare rows of a trial and its job, for a caller that is inside a change already; returns what an event says.

    `part` says that it learns so much of what is approved, for a learning curve: then nothing is proven.
    """
    job_id, values = uuid4().hex, {"rows": training_set.row_count, "model": base.name}
    job = Job(
        job_id=job_id,
        kind="train",
        task_id=eval_set.task_id,
        title=N_("Trial fine-tune of %(model)s on %(rows)s approved samples"),
        values=values,
        spec={"trial_id": trial_id},
        by=by,
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
        "index_id": retrieval and retrieval.index_id,
        "k": retrieval and retrieval.k,
        "curve_id": curve_id,
        "part": part,
        "job_id": job_id,
        "created_by": by,
        "created_at": database.now(),
    }
    jobs.insert(conn, job)
    database.insert(conn, "trials", [row])
    return {"job": job_id, **values}


def check(base: Model, training_set: TrainingSet, recipe: Recipe, goes_on: Model | None = None) -> None:
    """Raises Refusal when the base cannot be trained so."""
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


def check_retrieval(
    conn: duckdb.DuckDBPyConnection, training_set: TrainingSet, baseline: Prompt, retrieval: Retrieval | None
) -> None:
    """Raises Refusal unless what is looked up fits the prompt to beat and the prompt that is taught."""
    taught = prompts.find(conn, training_set.prompt_id)
    assert taught is not None, "a training set is frozen with its prompt"
    retrieving.check(conn, training_set.task_id, retrieval, [taught, baseline], must=True)


def find(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, Any] | None:
    """The trial's row with `recipe` as a dict, and `model_id` and `model_name` of what it made, if it has.

    A candidate that was not trained (see core/release/candidates.py) is one without `training_set_id` and `recipe`.
    """
    row = database.row(conn, _WITH_MODEL + " where t.trial_id = ?", [trial_id])
    return _read(row) if row else None


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str, *, parts: bool = False) -> list[dict[str, Any]]:
    """The task's trials, the newest first, as `find` gives them; those on a part of the samples only if asked for."""
    return [one for one in contenders(conn, task_id, parts=parts) if one["training_set_id"]]


def contenders(conn: duckdb.DuckDBPyConnection, task_id: str, *, parts: bool = False) -> list[dict[str, Any]]:
    """All that was put up against what there was, trained or not, as `of_task` gives its trials."""
    query = _WITH_MODEL + " where t.task_id = ? and (t.part is null or ?) order by t.created_at desc"
    return [_read(row) for row in database.rows(conn, query, [task_id, parts])]


def _read(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "recipe": json.loads(row["recipe"]) if row["recipe"] else None}


_WITH_MODEL = """
    select t.*, coalesce(c.model_id, m.model_id) as model_id, coalesce(c.name, m.name) as model_name, s.row_count,
        p.name as prompt_name
    from trials as t left join training_sets as s using (training_set_id)
    left join models as c on c.model_id = t.candidate_model_id
    left join prompts as p on p.prompt_id = t.prompt_id
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
    write_rows(conn, row["training_set_id"], recipe, folder)
    return {"kind": "train", "base": base.path, "recipe": recipe, "start": start.path if start else None}


def write_rows(conn: duckdb.DuckDBPyConnection, training_set_id: str, recipe: Mapping[str, Any], folder: Path) -> None:
    """What a worker learns from: the set's rows, and general ones to be mixed in where the recipe wants them."""
    job_folder.write_lines(folder / "train.jsonl", training_sets.rows(conn, training_set_id))
    if recipe["replay_share"] and recipe.get("method", "sft") == "sft":
        job_folder.write_lines(folder / "replay.jsonl", job_folder.read_lines(SAMPLES / "general_replay.jsonl"))
