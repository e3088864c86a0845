"""Learning curves: the same recipe on a quarter, half and all of the approved samples, measured on dev.

The parts lie in each other. Gate samples are not asked for it: the trial on all samples has its own proof.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import duckdb
import pandas as pd

from core.access import roles
from core.access.people import Person
from core.diagnosis import learning
from core.diagnosis.learning import Learning
from core.errors import Refusal
from core.evaluation import results
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.store import audit, database
from core.training import drafts, training_sets, trials
from core.training.recipes import Recipe

PARTS = (0.25, 0.5, 1.0)
FEWEST = 40
"""Of fewer samples, a quarter is too little for any curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """`points` has one row for each part whose dev answers are in: `rows`, `value`, `low`, `high`, `n`, and the
    `run_id` of these answers.

    `learning` is None as long as half or all are missing.
    """

    points: pd.DataFrame
    learning: Learning | None


def start(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    eval_set: EvalSet,
    prompt: Prompt,
    base: Model,
    baseline: tuple[str, Prompt],
    recipe: Recipe,
    retrieval: Retrieval | None = None,
) -> str:
    """Queue the three trials, the smallest first; returns the curve's id.

    Raises Refusal without dev or gate samples, or with too few that are approved.
    """
    roles.require(by, "train.start")
    if not eval_set.counts.get("dev") or not eval_set.counts.get("gate"):
        raise Refusal(
            N_("A learning curve is measured on dev samples, and its last trial proven on gate samples. "
               "The eval set “%(name)s” needs both."), name=eval_set.name,
        )  # fmt: skip
    usable = len(drafts.of_task(conn, eval_set.task_id, recipe.method).rows)
    if usable < FEWEST:
        raise Refusal(
            N_("%(usable)s approved samples are too few for a learning curve. Approve %(fewest)s or more."),
            usable=usable,
            fewest=FEWEST,
        )
    shared: dict[str, Any] = {"by": by, "task_id": eval_set.task_id, "prompt": prompt, "method": recipe.method}
    sets = [training_sets.freeze(conn, part=part, **shared) for part in PARTS]
    trials.check(base, sets[-1], recipe)
    trials.check_retrieval(conn, sets[-1], baseline[1], retrieval)
    curve_id = uuid4().hex
    row = {"curve_id": curve_id, "task_id": eval_set.task_id, "eval_set_id": eval_set.eval_set_id}
    with audit.change(conn, actor=by.person_id, act="learning_curve.started", subject=curve_id) as detail:
        database.insert(conn, "learning_curves", [{**row, "created_by": by.person_id, "created_at": database.now()}])
        detail["trials"] = [
            trials.add(
                conn,
                trial_id=uuid4().hex,
                by=by.person_id,
                eval_set=eval_set,
                training_set=one,
                base=base,
                baseline=baseline,
                recipe=recipe,
                curve_id=curve_id,
                part=part if part < 1 else None,
                retrieval=retrieval,
            )
            for part, one in zip(PARTS, sets, strict=True)
        ]
    return curve_id


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's learning curves, the newest first, each with its `trials` (`trials.find`), the smallest first."""
    query = "select * from learning_curves where task_id = ? order by created_at desc"
    known = trials.of_task(conn, task_id, parts=True)
    return [
        {
            **row,
            "trials": sorted(
                (one for one in known if one["curve_id"] == row["curve_id"]), key=lambda one: one["part"] or 1.0
            ),
        }
        for row in database.rows(conn, query, [task_id])
    ]


def measure(conn: duckdb.DuckDBPyConnection, task: Task, curve: Mapping[str, Any]) -> Curve:
    """What the trials that are done say on dev, by the plan, on the samples that all have a score for."""
    answered = {trial["trial_id"]: run for trial in curve["trials"] if (run := _on_dev(conn, trial["trial_id"]))}
    rates = results.rates(conn, list(answered.values()), same=True)
    rows = [
        {
            "rows": trial["row_count"],
            "value": rate.value,
            "low": rate.low,
            "high": rate.high,
            "n": rate.n,
            "run_id": run_id,
        }
        for trial in curve["trials"]
        if (rate := rates.get((run_id := answered.get(trial["trial_id"], ""), task.plan.metric))) is not None
    ]
    last = [answered.get(trial["trial_id"]) for trial in curve["trials"][-2:]]
    judged = None
    if all(last):
        half, full = (str(run) for run in last)
        found = results.shared(conn, [half, full], task.plan.metric)
        gain = task.plan.smallest_gain
        judged = learning.judge(found.values[half], found.values[full], smallest_gain=gain, groups=found.groups)
    return Curve(points=pd.DataFrame(rows, columns=["rows", "value", "low", "high", "n", "run_id"]), learning=judged)


def _on_dev(conn: duckdb.DuckDBPyConnection, trial_id: str) -> str | None:
    """The run in which the trial's model answered all dev samples; None if it has not yet."""
    query = """
        select run_id from runs as r where trial_id = ? and purpose = 'proof' and split = 'dev'
            and planned <= (select count(*) from answers as a where a.run_id = r.run_id)
        order by created_at desc limit 1
    """
    row = database.row(conn, query, [trial_id])
    return str(row["run_id"]) if row else None
