"""Do raters agree, beyond what chance would give? Krippendorff's alpha with what is needed to read it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.diagnosis import intervals
from core.diagnosis.verdicts import Sentence, percent
from core.locale.mark import N_

Level = Literal["nominal", "ordinal"]
"""Pass and fail have no distances; points from 1 to 5 have an order."""

Problem = Literal["no_overlap", "no_variation", "one_sided"]

ENOUGH = 50
"""Double-rated answers below which alpha says little: a true 0.6 shows as 0.28 to 0.90 on 30 of them."""

ONE_SIDED = 0.85
"""From this share of one value on, chance alone agrees so often that alpha falls whatever the raters do."""

RELIABLE, TENTATIVE = 0.8, 0.667
"""Krippendorff's customary bounds, held against the lower end of the interval."""

RESAMPLES = 2000

NO_OVERLAP = N_("Not enough evidence yet: no answer has been judged by two people.")
NO_VARIATION = N_(
    "No variation: all %(n)s double-rated answers got the same verdict from everybody, so agreement cannot be judged "
    "from them. Put harder answers up."
)
SAME_ALL_OVER = N_(
    "Almost everything gets the same verdict (%(share)s of the ratings): agreement cannot be judged from these "
    "%(n)s answers, although raters said the same of %(raw)s. Put harder answers up."
)
GOOD = N_("Raters agree reliably: alpha %(value)s on %(n)s answers, 95%% interval %(low)s to %(high)s.")
FAIR = N_("Raters agree well enough for tentative findings: alpha %(value)s on %(n)s answers, 95%% interval %(low)s to "
          "%(high)s.")  # fmt: skip
POOR = N_(
    "Raters do not agree well enough: alpha %(value)s on %(n)s answers, 95%% interval %(low)s to %(high)s. Talk about "
    "the answers that split them, and sharpen the guidelines."
)
UNSURE = N_(
    "Not enough evidence yet: alpha %(value)s on %(n)s answers, 95%% interval %(low)s to %(high)s. Have more answers "
    "judged by two people."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Alpha in -1..1 with its 95% interval over `n` answers that two or more have judged; None where it means nothing.

    `raw` is the share of rater pairs that said the same, averaged inside answers and samples. `prevalence` is the
    share of the commonest value among the ratings. `problem` says why alpha cannot be read as it stands.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    raw: intervals.Rate
    prevalence: float | None
    problem: Problem | None

    @property
    def sentence(self) -> Sentence:
        """What this means, in words."""
        if self.problem == "no_overlap":
            return Sentence(NO_OVERLAP, {})
        if self.problem == "no_variation":
            return Sentence(NO_VARIATION, {"n": str(self.n)})
        if self.problem == "one_sided":
            values = {"share": percent(self.prevalence or 0.0), "raw": percent(self.raw.value or 0.0)}
            return Sentence(SAME_ALL_OVER, {**values, "n": str(self.n)})
        value, low, high = self.value or 0.0, self.low or 0.0, self.high or 0.0  # all there where nothing is the matter
        told = {"value": f"{value:.2f}", "low": f"{low:.2f}", "high": f"{high:.2f}", "n": str(self.n)}
        if low >= TENTATIVE:
            return Sentence(GOOD if low >= RELIABLE else FAIR, told)
        return Sentence(POOR if high < TENTATIVE else UNSURE, told)


Pattern = tuple[tuple[int, ...], ...]
"""One sample: for each of its answers, how many raters gave it each value, the values in their order."""


def measure(
    ratings: Sequence[Mapping[str, float]], samples: Sequence[str], *, level: Level = "nominal", seed: int = 1
) -> Agreement:
    """How far raters agree. `ratings` has rater -> value for each answer, `samples` the sample each answer is to."""
    kept = [(list(one.values()), sample) for one, sample in zip(ratings, samples, strict=True) if len(one) >= 2]
    values = sorted({value for said, _ in kept for value in said})
    by_sample: dict[str, list[tuple[int, ...]]] = {}
    for said, sample in kept:
        by_sample.setdefault(sample, []).append(tuple(said.count(value) for value in values))
    return of_patterns(Counter(tuple(sorted(answers)) for answers in by_sample.values()), level=level, seed=seed)


def of_patterns(patterns: Mapping[Pattern, int], *, level: Level = "nominal", seed: int = 1) -> Agreement:
    """How far raters agree, from what samples look like and how many look so: a million ratings are few patterns.

    Answers with a single rating are left out. Alpha is Krippendorff's, as evalica has it. The interval is the
    percentile bootstrap over samples, since the answers to one sample are not independent; resamples in which nothing
    varies are left out. Raters who never differ would make it a single point: one answer that splits two raters joins
    the resampling then, as a pseudo-pair does for differences.
    """
    kept = Counter[Pattern]()
    for pattern, count in sorted(patterns.items()):  # in a fixed order, since the resampling has a seed
        if shared := tuple(answer for answer in pattern if sum(answer) >= 2):
            kept[shared] += count
    if not kept:
        nothing = intervals.mean_of_sums(0, 0.0, 0.0)
        return Agreement(value=None, low=None, high=None, n=0, raw=nothing, prevalence=None, problem="no_overlap")
    often = np.array(list(kept.values()))
    same = np.array([np.mean([_same(answer) for answer in pattern]) for pattern in kept])
    raw = intervals.mean_of_sums(int(often.sum()), float(often @ same), float(often @ same**2))
    totals = sum(count * np.sum(pattern, axis=0) for pattern, count in kept.items())
    n, prevalence = sum(count * len(pattern) for pattern, count in kept.items()), float(totals.max() / totals.sum())
    if (totals > 0).sum() < 2:
        return Agreement(value=None, low=None, high=None, n=n, raw=raw, prevalence=prevalence, problem="no_variation")
    tables = np.stack([sum(_coincidences(answer) for answer in pattern) for pattern in kept])
    value = float(_alphas(np.tensordot(often, tables, axes=1)[None], level)[0])
    low, high = _interval(tables, often, level, seed)
    return Agreement(
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=n,
        raw=raw,
        prevalence=prevalence,
        problem="one_sided" if prevalence > ONE_SIDED else None,
    )


def sameness(values: Sequence[float]) -> float:
    """The share of rater pairs that gave one answer the same value; 1 for a single rater."""
    pairs = list(combinations(values, 2))
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else 1.0


def _same(answer: Sequence[int]) -> float:
    raters = sum(answer)
    return sum(count * (count - 1) for count in answer) / (raters * (raters - 1))


def _coincidences(answer: Sequence[int]) -> NDArray[np.float64]:
    seen = np.array(answer, dtype=float)
    pairs: NDArray[np.float64] = (np.outer(seen, seen) - np.diag(seen)) / (seen.sum() - 1)
    return pairs


def _interval(tables: NDArray[np.float64], often: NDArray[np.int64], level: Level, seed: int) -> tuple[float, float]:
    if not (tables.sum(axis=(1, 2)) - np.trace(tables, axis1=1, axis2=2)).any():
        split, seen = np.zeros_like(tables[:1]), np.flatnonzero(tables.sum(axis=(0, 1)))
        split[0, seen[0], seen[-1]] = split[0, seen[-1], seen[0]] = 1.0
        tables, often = np.concatenate([tables, split]), np.append(often, 1)
    weights = np.random.default_rng(seed).multinomial(often.sum(), often / often.sum(), size=RESAMPLES)
    alphas = _alphas(np.tensordot(weights.astype(float), tables, axes=1), level)
    low, high = np.quantile(alphas[~np.isnan(alphas)], [0.025, 0.975])
    return float(low), float(high)


def _alphas(coincidences: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    """Alpha of each coincidence matrix (Krippendorff 2011, "Computing Krippendorff's alpha-reliability"); nan where
    nothing varies. evalica takes one table of ratings at a time, which is too slow for thousands of resamples."""
    totals = coincidences.sum(axis=2)
    n = totals.sum(axis=1)
    if level == "nominal":
        distance = np.broadcast_to(1.0 - np.eye(totals.shape[1]), coincidences.shape)
    else:
        middles = totals.cumsum(axis=1) - totals / 2
        distance = (middles[:, :, None] - middles[:, None, :]) ** 2
    observed = (coincidences * distance).sum(axis=(1, 2))
    expected = (totals[:, :, None] * totals[:, None, :] * distance).sum(axis=(1, 2)) / np.maximum(n - 1, 1)
    alphas: NDArray[np.float64] = np.where(expected > 0, 1 - observed / np.where(expected > 0, expected, 1), np.nan)
    return alphas
