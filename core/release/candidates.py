"""Candidates that were not trained: a prompt alone, another model, or both; proven and signed like any trial."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import retrieving, runs
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.locale.mark import N_
from core.store import audit, database
from core.training import outcomes

Side = tuple[Prompt, Model]


def propose(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    eval_set: EvalSet,
    rung: str,
    before: Side,
    after: Side,
    retrieval: Retrieval | None = None,
) -> str:
    """Put `after` up against `before`, whose prompt is that rung; its proof on gate and retain is queued.

    Passages go to the prompts that have a place for them. Returns the trial's id. Raises Refusal when both are the
    same, when the set has no gate samples, or when a prompt needs passages and nothing would be looked up.
    """
    roles.require(by, "run.start")
    if (before[0].prompt_id, before[1].model_id) == (after[0].prompt_id, after[1].model_id):
        raise Refusal(N_("Both sides are the same prompt on the same model. Choose another one to put up."))
    retrieving.check(conn, eval_set.task_id, retrieval, [after[0], before[0]], must=True)
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
    row |= {"index_id": retrieval and retrieval.index_id, "k": retrieval and retrieval.k}
    row |= {"part": None, "created_by": by.person_id, "created_at": database.now()}
    plans = outcomes.plans(conn, row, before[1], after[1])
    subject = str(row["trial_id"])
    with audit.change(conn, actor=by.person_id, act="candidate.proposed", subject=subject, detail=_said(row)) as detail:
        database.insert(conn, "trials", [row])
        detail["runs"] = runs.add(conn, job=job, plans=plans)
    return subject


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name == "k" or (name.endswith("_id") and name != "trial_id")}
