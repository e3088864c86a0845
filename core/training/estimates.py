"""Estimates: a look at how a training would go on this machine, before anybody waits for one."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from core.access import roles
from core.access.people import Person
from core.evaluation import models
from core.evaluation.models import Model
from core.jobs import jobs
from core.jobs.jobs import Job
from core.locale.mark import N_
from core.store import audit, database
from core.training import trials
from core.training.recipes import Recipe
from core.training.training_sets import TrainingSet


def start(
    conn: duckdb.DuckDBPyConnection, *, by: Person, training_set: TrainingSet, base: Model, recipe: Recipe
) -> str:
    """Queue a look at how such a training would go, which keeps nothing; returns the job's id."""
    roles.require(by, "train.start")
    trials.check(base, training_set, recipe)
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


def inputs(conn: duckdb.DuckDBPyConnection, job: Job, folder: Path) -> dict[str, Any]:
    """Write the rows into the folder and return the spec of a probe."""
    base = models.find(conn, str(job.spec["base_model_id"]))
    assert base is not None
    trials.write_rows(conn, str(job.spec["training_set_id"]), job.spec["recipe"], folder)
    return {"kind": "probe", "base": base.path, "recipe": job.spec["recipe"]}


def latest(conn: duckdb.DuckDBPyConnection, training_set_id: str, base_model_id: str, recipe: Recipe) -> Job | None:
    """The newest look at this very training, whoever asked for it."""
    query = """
        select job_id, spec from jobs where kind = 'probe' and spec ->> 'training_set_id' = ?
            and spec ->> 'base_model_id' = ? order by number desc
    """
    for row in database.rows(conn, query, [training_set_id, base_model_id]):
        if json.loads(row["spec"])["recipe"] == asdict(recipe):
            return jobs.find(conn, row["job_id"])
    return None
