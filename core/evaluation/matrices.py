"""Matrices: several prompts on several models over one set, with what they will cost and take before they start."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core.access.people import Person
from core.errors import Refusal
from core.evaluation import asking, decodings, eval_sets, prompts, rendering, retrieving, runs, terms
from core.evaluation.eval_sets import EvalSet, Sample
from core.evaluation.importing import Split
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.generation.base import Decoding
from core.knowledge.shown import Shown
from core.locale.mark import N_
from core.settings import Settings
from core.store import database

MOST_CALLS = 1_000_000
MOST_TOKENS = 100_000
LOOKED_AT = 2_000
"""Calls whose length an estimate measures, and which it looks up among earlier answers; an even part of many."""
SEARCHED = 400
"""The same where passages are looked up for each."""

Passages = Mapping[str, Sequence[Shown]]


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
        if self.retrieval is not None:
            for _, prompt in self.prompts:
                self.retrieval.check(prompt)

    @property
    def ways(self) -> tuple[Retrieval | None, ...]:
        """What is looked up: as chosen, and with `both` nothing before that."""
        return (None, self.retrieval) if self.both and self.retrieval else (self.retrieval,)

    @property
    def calls(self) -> int:
        """Answers wanted."""
        asked = len(self.prompts) * len(self.models) * self.repeats * len(self.ways)
        return self.eval_set.counts.get(self.split, 0) * asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`costs` has for each currency the usual cost and the most; None of the rest is what is not known.

    `known` answers were given before and are copied; they are in `calls` and in neither costs nor time. Lengths and
    known answers are those of `looked_at` of the `samples`, evenly spread, and scaled to all of them.
    """

    calls: int
    known: int
    samples: int
    looked_at: int
    costs: Mapping[str, tuple[float, float]]
    unpriced: tuple[str, ...]
    seconds: float | None
    untimed: tuple[str, ...]

    @property
    def projected(self) -> bool:
        """Whether it was measured on a part of the samples, so that even its most is a guess."""
        return self.looked_at < self.samples


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
    if cap is not None:
        check_cap(conn, matrix, cap)
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
        spec={"fresh": fresh, **({"cap": cap} if cap is not None else {})},
    )


def check_cap(conn: duckdb.DuckDBPyConnection, matrix: Matrix, cap: float) -> None:
    """Raises Refusal when nobody could say whether the matrix keeps to the cap."""
    of_api = [(model.name, terms.of(conn, model.model_id)) for model in matrix.models if model.kind == "api"]
    if not cap > 0:
        raise Refusal(N_("A spending cap is an amount above 0; leave it empty if there is to be none."))
    if unpriced := [name for name, agreed in of_api if not agreed.priced]:
        raise Refusal(
            N_("A cap needs the price of every model, and %(names)s has none. Enter it under Evaluation, Models."),
            names=", ".join(unpriced),
        )
    if len({agreed.currency for _, agreed in of_api}) > 1:
        raise Refusal(N_("The models are priced in different currencies, so one cap cannot hold for all of them."))


def estimate(
    conn: duckdb.DuckDBPyConnection,
    matrix: Matrix,
    *,
    fresh: bool = False,
    split: Split | None = None,
    settings: Settings | None = None,
) -> Estimate:
    """What the matrix will cost and take, from earlier answers of the same models where there are any.

    `split` is another one than the matrix's, for a proof that asks the same way. A matrix that looks things up needs
    the settings, to find its index.
    """
    split = split or matrix.split
    count, how = matrix.eval_set.counts.get(split, 0), decoding(conn, matrix)
    asked_in_all = count * len(matrix.prompts) * len(matrix.models) * matrix.repeats * len(matrix.ways)
    every = max(1, -(-asked_in_all // (SEARCHED if matrix.retrieval else LOOKED_AT)))
    samples = eval_sets.samples(conn, matrix.eval_set.eval_set_id, split, every=every)
    found = {way: retrieving.find(conn, settings, way, samples) for way in matrix.ways}
    known = {} if fresh else _known(conn, matrix, samples, how, count, found)
    costs: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    unpriced, untimed, seconds = [], [], 0.0
    for model in matrix.models:
        agreed, usual = terms.of(conn, model.model_id), _usual(conn, model.model_id)
        for rung, prompt, way in [(*named, way) for named in matrix.prompts for way in matrix.ways]:
            calls = count * matrix.repeats - known.get((model.model_id, rung, way), 0)
            asked = _prompt_tokens(prompt, samples, found[way])
            answered = min(usual["answered"] or how.max_new_tokens, how.max_new_tokens)
            if (most := agreed.cost(asked, how.max_new_tokens)) is not None:
                low, high = costs[agreed.currency]
                costs[agreed.currency] = (low + calls * (agreed.cost(asked, answered) or 0.0), high + calls * most)
            seconds += _seconds(model, agreed, usual["latency"], asked + answered) * calls
        if model.kind == "api" and not agreed.priced:
            unpriced.append(model.name)
        if usual["latency"] is None:
            untimed.append(model.name)
    return Estimate(
        calls=asked_in_all,
        known=sum(known.values()),
        samples=count,
        looked_at=len(samples),
        costs=dict(costs),
        unpriced=tuple(unpriced),
        seconds=None if untimed else seconds,
        untimed=tuple(untimed),
    )


def _known(
    conn: duckdb.DuckDBPyConnection,
    matrix: Matrix,
    samples: Sequence[Sample],
    how: Decoding,
    count: int,
    found: Mapping[Retrieval | None, Passages],
) -> dict[tuple[str, str, Retrieval | None], int]:
    """How many answers of each model, rung and retrieval were given before, projected from these samples to so many."""
    keys = {
        asking.content_key(asked, rendering.render(prompt, sample, passages.get(sample.sample_id, ())), repeat): (
            model.model_id, rung, way
        )
        for model in matrix.models
        for rung, prompt in matrix.prompts
        for schema in [prompts.answer_schema(prompt, matrix.eval_set) if how.structured else None]
        for asked in [asking.asked_of(model, how, schema)]
        for way, passages in found.items()
        for sample in samples
        for repeat in range(matrix.repeats)
    }  # fmt: skip
    query = """
        select distinct content_key from answers
        where text is not null and copied_from is null and content_key in (select unnest(?))
    """
    counts: dict[tuple[str, str, Retrieval | None], int] = defaultdict(int)
    for (key,) in conn.execute(query, [list(keys)]).fetchall():
        counts[keys[key]] += 1
    return {asked: round(given * count / len(samples)) for asked, given in counts.items()}


def _usual(conn: duckdb.DuckDBPyConnection, model_id: str) -> dict[str, Any]:
    """The model's usual answer so far: `answered` tokens and `latency` in seconds, or None of both."""
    query = """
        select avg(completion_tokens) as answered, median(latency_s) as latency from answers join runs using (run_id)
        where model_id = ? and text is not null and copied_from is null
    """
    return database.row(conn, query, [model_id]) or {"answered": None, "latency": None}


def _prompt_tokens(prompt: Prompt, samples: Sequence[Sample], passages: Passages) -> float:
    rendered = (rendering.render(prompt, sample, passages.get(sample.sample_id, ())) for sample in samples)
    texts = (message["content"] for messages in rendered for message in messages)
    return sum(map(decodings.tokens, texts)) / max(1, len(samples))


def _seconds(model: Model, agreed: terms.Terms, latency: float | None, tokens: float) -> float:
    """One call's share of the time; a local model's latency is a share of its batch's already."""
    if model.kind != "api":
        return latency or 0.0
    by_requests = 60 / agreed.requests_per_minute if agreed.requests_per_minute else 0.0
    by_tokens = 60 * tokens / agreed.tokens_per_minute if agreed.tokens_per_minute else 0.0
    return max((latency or 0.0) / agreed.concurrency, by_requests, by_tokens)


def jobs_of(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[str]:
    """The ids of the task's matrix jobs, the newest first."""
    query = """
        select job_id from runs where task_id = ? and purpose = 'matrix' group by job_id
        order by max(created_at) desc, job_id
    """
    return [job_id for (job_id,) in conn.execute(query, [task_id]).fetchall()]
