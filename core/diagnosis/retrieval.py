"""Did looking up help, and where is it lost: in the search, or after the passage was there. Pure functions of values.

The unit is the sample; every number comes with its n and 95% interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from core.diagnosis import intervals
from core.diagnosis.intervals import Paired, Rate
from core.diagnosis.verdicts import FEWEST, Sentence, percent
from core.locale.mark import N_

Cell = Literal["right_there", "right_without", "wrong_there", "wrong_without"]
"""The answer right or wrong, the passage there or not."""
CELLS: tuple[Cell, ...] = get_args(Cell)
Place = Literal["search", "application", "not_enough"]
"""Where wrong answers are lost: the passage was not found, or it was there and did not help."""

HALF = 0.5

NOTHING = N_("No sample of this run names its source, so nobody can tell whether the right passage was there.")
NONE_WRONG = N_("No answer is wrong among the %(n)s samples that name their source.")
SEARCH = N_(
    "A knowledge problem: of %(wrong)s wrong answers %(there)s (%(low)s–%(high)s) had the right passage. Where it "
    "is missing, mend documents and search first."
)
APPLICATION = N_(
    "An application problem: of %(wrong)s wrong answers %(there)s (%(low)s–%(high)s) had the right passage in "
    "front of them. More documents will not help these."
)
NOT_ENOUGH = N_(
    "Not enough evidence yet: of %(wrong)s wrong answers %(there)s (%(low)s–%(high)s) had the right passage."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How well the source was found, over the samples that name one."""

    hits: Rate
    """Hit rate at k: the source is among the passages shown."""
    reciprocal: Rate
    """Mean reciprocal rank: 1 where the source comes first, 1/2 where second, 0 where it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The 2×2 of right and wrong answers by whether the passage was there; samples by name in each cell."""

    cells: Mapping[Cell, tuple[str, ...]]
    there_when_wrong: Rate
    place: Place
    sentence: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What retrieval and tuning each add on the same samples, and whether they stack; None is what was not run.

    `stacks` is what retrieval adds on the tuned model less what it adds on the base, in -2..2: above 0 they help each
    other, below 0 they do in part the same.
    """

    rates: Mapping[str, Rate]
    """Of `base`, `base_rag`, `tuned` and `tuned_rag`, those that were run."""
    retrieval: Paired | None
    tuning: Paired | None
    retrieval_on_tuned: Paired | None
    tuning_with_retrieval: Paired | None
    both: Paired | None
    stacks: Paired | None


STEPS: Mapping[str, tuple[str, str]] = {
    "retrieval": ("base", "base_rag"),
    "tuning": ("base", "tuned"),
    "retrieval_on_tuned": ("tuned", "tuned_rag"),
    "tuning_with_retrieval": ("base_rag", "tuned_rag"),
    "both": ("base", "tuned_rag"),
}
"""Each difference of the grid, as the cells before and after it."""


def search(ranks: Sequence[int | None]) -> Search:
    """From the source's place among the passages of each sample, from 1; None where it is not among them."""
    reciprocal = [0.0 if rank is None else 1 / rank for rank in ranks]
    return Search(
        hits=intervals.rate(sum(rank is not None for rank in ranks), len(ranks)),
        reciprocal=intervals.mean_rate(reciprocal),
    )


def lost(samples: Mapping[str, tuple[float, bool]]) -> Lost:
    """From samples by name, each with its answer's value in 0..1 and whether the passage was there.

    The place is decided by the share of wrong answers that had the passage: its whole interval lies on one side of a
    half, and there are `FEWEST` of them at least.
    """
    found: dict[Cell, list[str]] = {cell: [] for cell in CELLS}
    for name, (value, there) in samples.items():
        right, without = value > HALF, not there
        found[CELLS[2 * (not right) + without]].append(name)
    cells = {cell: tuple(names) for cell, names in found.items()}
    wrong = len(cells["wrong_there"]) + len(cells["wrong_without"])
    share = intervals.rate(len(cells["wrong_there"]), wrong)
    place: Place = "not_enough"
    if wrong >= FEWEST:
        place = "application" if share.low > HALF else "search" if share.high < HALF else "not_enough"
    return Lost(cells=cells, there_when_wrong=share, place=place, sentence=_sentence(len(samples), share, place))


def _sentence(n: int, share: Rate, place: Place) -> Sentence:
    if not n:
        return Sentence(NOTHING, {})
    if share.value is None:
        return Sentence(NONE_WRONG, {"n": str(n)})
    message = {"search": SEARCH, "application": APPLICATION, "not_enough": NOT_ENOUGH}[place]
    ends = {"low": percent(share.low), "high": percent(share.high)}
    return Sentence(message, {"wrong": str(share.n), "there": percent(share.value), **ends})


def grid(cells: Mapping[str, ArrayLike], groups: Sequence[str] | None = None) -> Grid:
    """From the cells' values in 0..1, sample by sample in one order. `groups` names the samples' clusters.

    Whether the levers stack is a difference of differences: half of it is the paired difference between the means of
    two cells each, which lie in 0..1, so its interval is twice that one.
    """
    values = {cell: np.asarray(found, dtype=float) for cell, found in cells.items()}
    steps = {
        step: intervals.paired(values[before], values[after], groups) if {before, after} <= set(values) else None
        for step, (before, after) in STEPS.items()
    }
    stacks = None
    if len(values) == len(("base", "base_rag", "tuned", "tuned_rag")):
        apart = (values["tuned"] + values["base_rag"]) / 2
        joined = (values["tuned_rag"] + values["base"]) / 2
        stacks = _doubled(intervals.paired(apart, joined, groups))
    return Grid(rates={cell: intervals.mean_rate(found) for cell, found in values.items()}, **steps, stacks=stacks)


def _doubled(half: Paired) -> Paired:
    return Paired(
        mean=None if half.mean is None else 2 * half.mean,
        low=2 * half.low,
        high=2 * half.high,
        low_90=2 * half.low_90,
        high_90=2 * half.high_90,
        p_value=half.p_value,
        sd=2 * half.sd,
        n=half.n,
        fixed=half.fixed,
        broken=half.broken,
        unchanged=half.unchanged,
        clusters=half.clusters,
    )
