"""Matrices: several prompts on several models over one set, each sample once or several times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core.access.people import Person
from core.errors import Refusal
from core.evaluation import decodings, retrieving, runs, terms
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.generation.base import Decoding
from core.intake.importing import Split
from core.locale.mark import N_

MOST_CALLS = 1_000_000
MOST_TOKENS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Every prompt on every model, each sample `repeats` times. Prompts come with their rung's name."""

    eval_set: EvalSet
    split: Split
    prompts: Sequence[tuple[str, Prompt]]
    models: Sequence[Model]
    repeats: int = 1
    temperature: float = 0.0
    structured: bool = False
    max_new_tokens: int | None = None
    """Tokens of an answer at most; None is as many as the set's longest reference needs."""
    retrieval: Retrieval | None = None
    both: bool = False
    """With retrieval: every prompt also without it, for the grid of what each lever adds."""
    beside: Sequence[Retrieval] = ()
    """With retrieval: every prompt also with each of these, to compare versions and ways of searching."""
    where_placed: bool = False
    """With retrieval: prompts that have no place for passages are asked without, as in a ladder."""

    def __post_init__(self) -> None:
        if self.split not in ("dev", "train"):
            raise Refusal(
                N_("Locked samples are for one question, the final proof. Choose samples for tuning or learning.")
            )
        if not self.prompts or not self.models:
            raise Refusal(N_("Choose at least one prompt and one model."))
        if not 1 <= self.repeats <= 100 or not 0 <= self.temperature <= 2:
            raise Refusal(N_("Up to 100 repeats and a temperature from 0 to 2 can be used."))
        if self.max_new_tokens is not None and not 1 <= self.max_new_tokens <= MOST_TOKENS:
            raise Refusal(
                N_("The longest answer is between 1 and %(most)s tokens; say nothing for as many as the set needs."),
                most=f"{MOST_TOKENS:,}",
            )
        if not 0 < self.calls <= MOST_CALLS:
            raise Refusal(
                N_("That would be %(calls)s calls; between 1 and %(most)s are possible. Change prompts, models or "
                   "repeats."), calls=self.calls, most=MOST_CALLS,
            )  # fmt: skip
        if self.retrieval is not None and not self.where_placed:
            for _, prompt in self.prompts:
                self.retrieval.check(prompt)

    @property
    def ways(self) -> tuple[Retrieval | None, ...]:
        """What is looked up: with `both` nothing, then what is to stand beside the chosen one, and that; each once."""
        if self.retrieval is None:
            return (None,)
        asked: list[Retrieval | None] = [None] if self.both else []
        # The chosen one last: as the newest run it is what pages propose.
        return tuple(dict.fromkeys([*asked, *self.beside, self.retrieval]))

    def ways_of(self, prompt: Prompt) -> tuple[Retrieval | None, ...]:
        """What is looked up for this prompt, one way after the other."""
        return (retrieving.of_prompt(self.retrieval, prompt),) if self.where_placed else self.ways

    @property
    def calls(self) -> int:
        """Answers wanted."""
        asked = len(self.prompts) * len(self.models) * self.repeats * len(self.ways)
        return self.eval_set.counts.get(self.split, 0) * asked


def decoding(conn: duckdb.DuckDBPyConnection, matrix: Matrix) -> Decoding:
    """How the matrix asks: with room for the longest reference, unless it says how much."""
    longest = matrix.max_new_tokens or decodings.of_sets(conn, [matrix.eval_set]).max_new_tokens
    return Decoding(max_new_tokens=longest, temperature=matrix.temperature, structured=matrix.structured)


def start(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    matrix: Matrix,
    cap: float | None = None,
    fresh: bool = False,
) -> str:
    """Queue the matrix as one job; returns its id. With a cap, no call is started that could exceed it.

    With `fresh`, nothing that was answered before is copied.
    """
    spec = {"fresh": fresh, **capped(conn, matrix.models, cap)}
    plans = [
        runs.Plan(
            eval_set=matrix.eval_set, split=matrix.split, rung=rung, prompt=prompt, model=model, purpose="matrix",
            retrieval=retrieval,
        )
        for model in matrix.models
        for rung, prompt in matrix.prompts
        for retrieval in matrix.ways
    ]  # fmt: skip
    return runs.start(
        conn,
        by=by,
        title=N_("Matrix: %(set)s, %(prompts)s prompts on %(models)s"),
        values={
            "set": matrix.eval_set.name,
            "prompts": len(matrix.prompts),
            "models": ", ".join(model.name for model in matrix.models)[:80],
        },
        plans=plans,
        decoding=decoding(conn, matrix),
        repeats=matrix.repeats,
        spec=spec,
    )


def collect(conn: duckdb.DuckDBPyConnection, *, by: Person, matrix: Matrix, cap: float | None = None) -> str:
    """Queue a matrix of one prompt on one model over the train samples, for people to judge; returns the job's id."""
    ((rung, prompt),), (model,) = matrix.prompts, matrix.models
    asked: dict[str, Any] = {"eval_set": matrix.eval_set, "rung": rung, "prompt": prompt, "model": model}
    asked |= {"retrieval": matrix.retrieval}
    spec = capped(conn, matrix.models, cap)
    return runs.start_collecting(conn, by=by, **asked, decoding=decoding(conn, matrix), spec=spec)


def capped(conn: duckdb.DuckDBPyConnection, models: Sequence[Model], cap: float | None) -> dict[str, Any]:
    """What a job's spec says of its spending cap. Raises Refusal when nobody could say whether it is kept to."""
    if cap is None:
        return {}
    of_api = [(model.name, terms.of(conn, model.model_id)) for model in models if model.kind == "api"]
    if not cap > 0:
        raise Refusal(N_("A spending cap is an amount above 0; leave it empty if there is to be none."))
    if unpriced := [name for name, agreed in of_api if not agreed.priced]:
        raise Refusal(
            N_("A cap needs the price of every model, and %(names)s has none. Enter it under Evaluation, Models."),
            names=", ".join(unpriced),
        )
    if len({agreed.currency for _, agreed in of_api}) > 1:
        raise Refusal(N_("The models are priced in different currencies, so one cap cannot hold for all of them."))
    return {"cap": cap}


def jobs_of(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[str]:
    """The ids of the task's matrix jobs, the newest first."""
    query = """
        select job_id from runs where task_id = ? and purpose = 'matrix' group by job_id
        order by max(created_at) desc, job_id
    """
    return [job_id for (job_id,) in conn.execute(query, [task_id]).fetchall()]
