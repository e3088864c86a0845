"""What a matrix will cost and take, said before it starts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core.evaluation import asking, decodings, eval_sets, matrices, prompts, rendering, retrieving, terms
from core.evaluation.eval_sets import Sample
from core.evaluation.matrices import Matrix
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.generation.base import Decoding
from core.intake.importing import Split
from core.knowledge.shown import Shown
from core.settings import Settings
from core.store import database

LOOKED_AT = 2_000
"""Calls whose length an estimate measures, and which it looks up among earlier answers; an even part of many."""
SEARCHED = 400
"""The same where passages are looked up for each."""

Passages = Mapping[str, Sequence[Shown]]


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


def of(
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
    count, how = matrix.eval_set.counts.get(split, 0), matrices.decoding(conn, matrix)
    asked_in_all = count * len(matrix.prompts) * len(matrix.models) * matrix.repeats * len(matrix.ways)
    every = max(1, -(-asked_in_all // (SEARCHED if matrix.retrieval else LOOKED_AT)))
    samples = eval_sets.samples(conn, matrix.eval_set.eval_set_id, split, every=every)
    ways = {way for _, prompt in matrix.prompts for way in matrix.ways_of(prompt)}
    found = {way: retrieving.find(conn, settings, way, samples) for way in ways}
    known = {} if fresh else _known(conn, matrix, samples, how, count, found)
    costs: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    unpriced, untimed, seconds = [], [], 0.0
    for model in matrix.models:
        agreed, usual = terms.of(conn, model.model_id), _usual(conn, model.model_id)
        for rung, prompt, way in [(*named, way) for named in matrix.prompts for way in matrix.ways_of(named[1])]:
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
        asking.content_key(asked, rendering.render(prompt, sample, found[way].get(sample.sample_id, ())), repeat): (
            model.model_id, rung, way
        )
        for model in matrix.models
        for rung, prompt in matrix.prompts
        for schema in [prompts.answer_schema(prompt, matrix.eval_set) if how.structured else None]
        for asked in [asking.asked_of(model, how, schema)]
        for way in matrix.ways_of(prompt)
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
