"""Concept and practice pairs: does the model know the rule, and can it apply it? Named by the pairs that decide it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.diagnosis import intervals, sample_size
from core.diagnosis.verdicts import FEWEST, Sentence, percent, points
from core.locale.mark import N_

ProbeVerdict = Literal["knowledge_missing", "cannot_apply", "leak_suspected", "knows_and_applies", "not_enough"]
Cell = Literal["both", "concept_only", "practice_only", "neither"]

EXAMPLES = 3
"""So many pairs are named in the sentence; the page shows them all."""
HALF = 0.5
"""Of repeats averaged: a side counts as right when more than half of its answers are."""

NOTHING = N_("Not enough evidence yet: no pair of questions has been answered.")
KNOWLEDGE_MISSING = N_(
    "Knowledge is missing: of %(n)s rules the model states %(concept)s right, 95%% interval %(concept_low)s to "
    "%(concept_high)s; the target is %(target)s. Looking them up (retrieval) gives it the rules. For example: "
    "%(examples)s."
)
CANNOT_APPLY = N_(
    "It knows but cannot apply: of %(n)s rules it states %(concept)s right and applies %(practice)s, a difference of "
    "%(gap)s points, 95%% interval %(gap_low)s to %(gap_high)s. Where it knows the rule, it is wrong in practice in "
    "%(lost)s, %(lost_low)s to %(lost_high)s (n = %(known)s). For example: %(examples)s."
)
LEAK_SUSPECTED = N_(
    "Suspicious: in practice %(practice)s are right, but of the rules behind them only %(concept)s (n = %(n)s), a "
    "difference of %(gap)s points, 95%% interval %(gap_low)s to %(gap_high)s. The practice questions may have leaked "
    "or be easy to guess. For example: %(examples)s."
)
KNOWS_AND_APPLIES = N_(
    "It knows and applies: %(practice)s right in practice, 95%% interval %(practice_low)s to %(practice_high)s, on "
    "%(n)s pairs; the target is %(target)s."
)
NOT_ENOUGH = N_(
    "Not enough evidence yet: of %(n)s rules it states %(concept)s right, %(concept_low)s to %(concept_high)s, and "
    "applies %(practice)s, %(practice_low)s to %(practice_high)s."
)
NOT_ENOUGH_MORE = N_(
    "Not enough evidence yet: of %(n)s rules it states %(concept)s right, %(concept_low)s to %(concept_high)s, and "
    "applies %(practice)s, %(practice_low)s to %(practice_high)s; about %(more)s more pairs are needed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The 2x2 of pairs and what follows. `lost` is P(practice wrong | concept right); `gap` is practice - concept.

    `cells` names the pairs of each cell, in the order they came.
    """

    concept: intervals.Rate
    practice: intervals.Rate
    lost: intervals.Rate
    gap: intervals.Paired
    cells: Mapping[Cell, tuple[str, ...]]
    verdict: ProbeVerdict
    more: int | None
    sentence: Sentence


def judge(pairs: Mapping[str, tuple[float, float]], *, target: float, groups: Sequence[str] | None = None) -> Probe:
    """Judge pairs by name, each with the values in 0..1 of its concept and its practice question.

    The first that holds: leak suspected, practice is better than concept (paired 95% lower bound > 0). Knowledge
    missing: the concept rate's upper bound is below the target. Knows but cannot apply: concept is better than
    practice (paired lower bound > 0). Knows and applies: the practice rate's lower bound reaches the target.
    """
    concept, practice = ([pair[side] for pair in pairs.values()] for side in (0, 1))
    right = {name: (values[0] > HALF, values[1] > HALF) for name, values in pairs.items()}
    kinds: dict[Cell, tuple[bool, bool]] = {
        "both": (True, True),
        "concept_only": (True, False),
        "practice_only": (False, True),
        "neither": (False, False),
    }
    cells = {cell: tuple(name for name, found in right.items() if found == kind) for cell, kind in kinds.items()}
    rates = intervals.mean_rate(concept), intervals.mean_rate(practice)
    gap = intervals.paired(concept, practice, groups)
    known = len(cells["both"]) + len(cells["concept_only"])
    lost = intervals.rate(len(cells["concept_only"]), known)
    verdict = _verdict(*rates, gap, target)
    more = _more(rates[0], gap, target) if verdict == "not_enough" else None
    return Probe(
        concept=rates[0],
        practice=rates[1],
        lost=lost,
        gap=gap,
        cells=cells,
        verdict=verdict,
        more=more,
        sentence=_sentence(verdict, *rates, lost, gap, cells, target, more),
    )


def _verdict(concept: intervals.Rate, practice: intervals.Rate, gap: intervals.Paired, target: float) -> ProbeVerdict:
    if gap.n < FEWEST:
        return "not_enough"
    if gap.low > 0:
        return "leak_suspected"
    if concept.high < target:
        return "knowledge_missing"
    if gap.high < 0:
        return "cannot_apply"
    return "knows_and_applies" if practice.low >= target else "not_enough"


def _more(concept: intervals.Rate, gap: intervals.Paired, target: float) -> int | None:
    """The shorter way to an answer: a gap that is shown to be real, or a concept rate that leaves the target."""
    ways = (
        sample_size.more_samples(replace(gap, mean=-(gap.mean or 0.0))) if (gap.mean or 0.0) < 0 else None,
        sample_size.more_for_rate(concept, target),
    )
    return min((way for way in ways if way is not None), default=None)


def _sentence(
    verdict: ProbeVerdict,
    concept: intervals.Rate,
    practice: intervals.Rate,
    lost: intervals.Rate,
    gap: intervals.Paired,
    cells: Mapping[Cell, tuple[str, ...]],
    target: float,
    more: int | None,
) -> Sentence:
    if concept.value is None or practice.value is None:
        return Sentence(NOTHING, {})
    messages: dict[ProbeVerdict, str] = {
        "knowledge_missing": KNOWLEDGE_MISSING,
        "cannot_apply": CANNOT_APPLY,
        "leak_suspected": LEAK_SUSPECTED,
        "knows_and_applies": KNOWS_AND_APPLIES,
        "not_enough": NOT_ENOUGH if more is None else NOT_ENOUGH_MORE,
    }
    decisive: dict[ProbeVerdict, tuple[Cell, ...]] = {
        "knowledge_missing": ("neither", "practice_only"),
        "cannot_apply": ("concept_only",),
        "leak_suspected": ("practice_only",),
    }
    sign = -1 if verdict == "cannot_apply" else 1
    ends = sorted(sign * bound for bound in (gap.low, gap.high))
    return Sentence(
        messages[verdict],
        {
            "n": str(gap.n),
            "concept": percent(concept.value),
            "concept_low": percent(concept.low),
            "concept_high": percent(concept.high),
            "practice": percent(practice.value),
            "practice_low": percent(practice.low),
            "practice_high": percent(practice.high),
            "gap": points(sign * (gap.mean or 0.0)).lstrip("+"),
            "gap_low": points(ends[0]),
            "gap_high": points(ends[1]),
            "lost": percent(lost.value or 0.0),
            "lost_low": percent(lost.low),
            "lost_high": percent(lost.high),
            "known": str(lost.n),
            "target": percent(target),
            "examples": ", ".join([name for cell in decisive.get(verdict, ()) for name in cells[cell]][:EXAMPLES]),
            "more": str(more),
        },
    )
