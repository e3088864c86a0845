"""A ladder's winner on the locked samples, beside the first prompt: asked once, since nothing was chosen on them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from core.access.people import Person
from core.diagnosis import intervals, ladder
from core.diagnosis.ladder import Confirmation
from core.errors import Refusal
from core.evaluation import matrices, results, retrieving, runs
from core.evaluation.eval_sets import EvalSet
from core.evaluation.matrices import Matrix
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.evaluation.tasks import Task
from core.generation.base import Decoding
from core.locale.mark import N_
from core.store import database


def matrix(
    eval_set: EvalSet,
    sides: Sequence[tuple[str, Prompt]],
    model: Model,
    like: Mapping[str, Any],
    retrieval: Retrieval | None = None,
) -> Matrix:
    """First prompt and winner asked like that run of the ladder, for what the locked samples will cost and take."""
    how = Decoding(**json.loads(like["decoding"]))
    return Matrix(
        eval_set=eval_set,
        split="dev",
        prompts=list(dict(sides).items()),
        models=[model],
        repeats=like["repeats"],
        temperature=how.temperature,
        structured=how.structured,
        max_new_tokens=how.max_new_tokens,
        retrieval=retrieval,
        where_placed=True,
    )


def measure(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    eval_set: EvalSet,
    first: tuple[str, Prompt],
    winner: tuple[str, Prompt],
    model: Model,
    like: Mapping[str, Any] | None = None,
    retrieval: Retrieval | None = None,
    cap: float | None = None,
) -> str:
    """Ask the winner and the first prompt the locked samples, on which nothing was chosen; returns the job's id.

    They are asked as often and with the same decoding as the run `like`, which is one of the ladder's, and with the
    ladder's passages. Raises Refusal when that was asked before: locked samples that are asked until they please are
    not locked.
    """
    looked_up = retrieving.of_prompt(retrieval, winner[1])
    if locked(conn, eval_set.task_id, eval_set.name, model.model_id, winner[1].prompt_id, looked_up):
        raise Refusal(
            N_("Prompt %(rung)s was already measured on the locked samples. Locked samples are for one question."),
            rung=winner[0],
        )
    sides: dict[Any, tuple[str, Prompt]] = {"before": first, "after": winner}
    if first[1].prompt_id == winner[1].prompt_id:
        del sides["before"]
    plans = [
        runs.Plan(eval_set=eval_set, split="gate", rung=rung, prompt=prompt, model=model, purpose="proof", side=side,
                  retrieval=retrieving.of_prompt(retrieval, prompt))
        for side, (rung, prompt) in sides.items()
    ]  # fmt: skip
    title = N_("Locked samples: prompt %(rung)s on %(model)s")
    how: dict[str, Any] = {"spec": matrices.capped(conn, [model], cap)}
    if like is not None:
        how |= {"decoding": Decoding(**json.loads(like["decoding"])), "repeats": like["repeats"]}
    return runs.start(conn, by=by, title=title, values={"rung": winner[0], "model": model.name}, plans=plans, **how)


def locked(
    conn: duckdb.DuckDBPyConnection,
    task_id: str,
    eval_set_name: str,
    model_id: str,
    prompt_id: str,
    retrieval: Retrieval | None = None,
) -> list[dict[str, Any]]:
    """The runs in which that prompt, as a ladder's winner, met the locked samples; the first prompt's comes first.

    Only those that looked the same up.
    """
    query = """
        select r.*, (select count(*) from answers as a where a.run_id = r.run_id) as answered
        from runs as r join eval_sets as s using (eval_set_id) join jobs as j using (job_id)
        where r.task_id = $task and s.name = $name and r.model_id = $model and r.purpose = 'proof'
            and r.trial_id is null and r.split = 'gate'
        qualify bool_or(r.prompt_id = $prompt and r.side = 'after' and r.index_id is not distinct from $index
            and r.k is not distinct from $k) over (partition by r.job_id)
        order by j.number desc, r.side desc
    """
    values: dict[str, Any] = {"task": task_id, "name": eval_set_name, "model": model_id, "prompt": prompt_id}
    values |= {"index": retrieval and retrieval.index_id, "k": retrieval and retrieval.k}
    found = database.rows(conn, query, values)
    return [run for run in found if run["job_id"] == found[0]["job_id"]]


def confirmed(conn: duckdb.DuckDBPyConnection, task: Task, asked: Sequence[Mapping[str, Any]]) -> Confirmation:
    """What the locked samples say of the winner, from the runs that `locked` gives, once every answer is in."""
    winner = asked[-1]
    rates = results.rates(conn, [winner["run_id"]], same=True)
    rate = rates.get((winner["run_id"], task.plan.metric), intervals.mean_rate([]))
    return ladder.confirm(winner["rung"], rate, task.target)
