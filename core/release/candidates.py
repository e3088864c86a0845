"""Candidates that were not trained: a prompt alone, another model, or both; proven and signed like any trial."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import prompts, runs
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.locale.mark import N_
from core.store import audit, database
from core.training import outcomes

Side = tuple[Prompt, Model]


def propose(
    conn: duckdb.DuckDBPyConnection, *, by: Person, eval_set: EvalSet, rung: str, before: Side, after: Side
) -> str:
    """Put `after` up against `before`, whose prompt is that rung; its proof on gate and retain is queued.

    Returns the trial's id. Raises Refusal when both are the same, or when the set has no gate samples.
    """
    roles.require(by, "run.start")
    if (before[0].prompt_id, before[1].model_id) == (after[0].prompt_id, after[1].model_id):
        raise Refusal(N_("Both sides are the same prompt on the same model. Choose another one to put up."))
    if any(prompts.PASSAGES in side[0].system + side[0].template for side in (before, after)):
        raise Refusal(
            N_("A proof looks no passages up yet, so a prompt with {passages} in it would be proven as another one "
               "than it is. Put up a prompt without them.")
        )  # fmt: skip
    if not eval_set.counts.get("gate"):
        raise Refusal(
            N_(
                "The eval set “%(name)s” has no gate samples, so nothing could be proven. "
                "Import a version with a gate share."
            ),
            name=eval_set.name,
        )
    values = {"prompt": after[0].name, "model": after[1].name}
    job = runs.new_job(eval_set.task_id, by.person_id, N_("Proof: %(prompt)s on %(model)s, on gate and retain"), values)
    row: dict[str, Any] = {"trial_id": uuid4().hex, "task_id": eval_set.task_id, "eval_set_id": eval_set.eval_set_id}
    row |= {"base_model_id": before[1].model_id, "baseline_rung": rung, "baseline_prompt_id": before[0].prompt_id}
    row |= {"prompt_id": after[0].prompt_id, "candidate_model_id": after[1].model_id, "job_id": job.job_id}
    row |= {"part": None, "created_by": by.person_id, "created_at": database.now()}
    plans = outcomes.plans(conn, row, before[1], after[1])
    subject = str(row["trial_id"])
    with audit.change(conn, actor=by.person_id, act="candidate.proposed", subject=subject, detail=_said(row)) as detail:
        database.insert(conn, "trials", [row])
        detail["runs"] = runs.add(conn, job=job, plans=plans)
    return subject


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name.endswith("_id") and name != "trial_id"}
