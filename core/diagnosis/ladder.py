"""Prompt rungs on the same samples: is there headroom left in prompting, or has it reached its plateau?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from core.diagnosis import intervals, sample_size
from core.diagnosis.verdicts import FEWEST, Sentence, percent, points
from core.locale.mark import N_

LadderVerdict = Literal["on_target", "headroom", "plateau_suspected", "plateau_confirmed", "not_enough"]

NOTHING = N_("Not enough evidence yet: no samples have been compared.")
ON_TARGET = N_(
    "The target of %(target)s is reached: %(last)s scores %(value)s on %(n)s samples, 95%% interval %(value_low)s to "
    "%(value_high)s."
)
HEADROOM = N_(
    "%(start)s → %(value)s on %(n)s samples: prompting still has headroom. From %(first)s to %(last)s "
    "%(gain)s points, 95%% interval %(low)s to %(high)s; last step %(step)s points, %(step_low)s to %(step_high)s."
)
SUSPECTED = N_(
    "Stuck at %(value)s on %(n)s samples, below the target of %(target)s: a plateau is suspected. The last prompt "
    "changed that by %(step)s points, 95%% interval %(step_low)s to %(step_high)s; a gain of %(goal)s would be worth "
    "having. One more real attempt would confirm it."
)
CONFIRMED = N_(
    "Stuck at %(value)s on %(n)s samples, below the target of %(target)s: two attempts in a row gained less than "
    "%(goal)s points, the last one %(step)s, 95%% interval %(step_low)s to %(step_high)s. Prompting is exhausted; "
    "consider fine-tuning."
)
TOO_FEW = N_(
    "No verdict yet: %(planned)s samples were agreed on before the run, and %(n)s were answered with every prompt. "
    "Add %(more)s more, so that nobody stops at a lucky moment."
)
NOT_ENOUGH = N_(
    "Not enough evidence yet: %(last)s scores %(value)s on %(n)s samples, last step %(step)s points, 95%% interval "
    "%(step_low)s to %(step_high)s."
)
NOT_ENOUGH_MORE = N_(
    "Not enough evidence yet: %(last)s scores %(value)s on %(n)s samples, last step %(step)s points, 95%% interval "
    "%(step_low)s to %(step_high)s; about %(more)s more samples are needed."
)


LOCKED = N_(
    "On %(n)s locked samples prompt %(rung)s is right in %(value)s, 95%% interval %(low)s to %(high)s; the target is "
    "%(target)s."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What the locked samples say of the prompt that won on others. Held: its lower bound reaches the target, too.
    Fell: its upper bound does not."""

    verdict: Literal["held", "fell", "not_enough"]
    sentence: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rung against an earlier one. `p_holm` is corrected for looking at all of the ladder's steps."""

    start: str
    end: str
    paired: intervals.Paired
    p_holm: float
    flat: bool

    @property
    def better(self) -> bool:
        """A gain that survives the correction."""
        return self.paired.n >= FEWEST and self.paired.low > 0 and self.p_holm < 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Rates per rung, the steps between neighbours, the whole climb, the last two steps as one, and what follows.

    The last two steps are shown beside the last one because a slow climb looks flat one step at a time.
    """

    rates: dict[str, intervals.Rate]
    best: str
    """The rung with the highest rate; of equals the later one, which says more."""
    steps: tuple[Step, ...]
    climb: Step
    last_two: intervals.Paired | None
    verdict: LadderVerdict
    more: int | None
    sentence: Sentence


def judge(
    rungs: Mapping[str, intervals.Values],
    *,
    smallest_gain: float,
    target: float,
    groups: Sequence[str] | None = None,
    planned: int = 0,
) -> Ladder:
    """Judge rungs given in order, each with one value in 0..1 per sample (repeats averaged), the same samples in each.

    On target: the best rung's lower bound reaches the target; luck helped to choose it, so it is measured once more on
    the locked set before anybody signs. Plateau suspected: the last rung is below the target and the upper one-sided
    95% bound of the last step is below the smallest gain. Confirmed: so is that of the step before, and the
    last rung was a further attempt, the fifth or later. Headroom: the climb from first to last is better, corrected
    by Holm together with the steps, and the last step is not flat. Otherwise there is not enough evidence yet, and so
    there is on fewer samples than were `planned`: a verdict at a moment of one's own choice is too often a lucky one.
    """
    names, values = list(rungs), list(rungs.values())
    if len(names) < 2:
        raise ValueError("A ladder has at least two rungs.")
    ends = [*pairwise(range(len(names))), (0, len(names) - 1)]
    changes = [intervals.paired(values[start], values[end], groups) for start, end in ends]
    p_holm = intervals.holm([change.p_value for change in changes])
    *steps, climb = (
        Step(
            start=names[start],
            end=names[end],
            paired=change,
            p_holm=float(p),
            flat=change.n >= FEWEST and change.high_90 < smallest_gain,
        )
        for (start, end), change, p in zip(ends, changes, p_holm, strict=True)
    )
    rates = {name: intervals.mean_rate(scores) for name, scores in rungs.items()}
    short = planned - rates[names[-1]].n
    best = max(names, key=lambda name: (rates[name].value or 0.0, names.index(name)))
    verdict = "not_enough" if short > 0 else _verdict(rates[best], rates[names[-1]], steps, climb, target)
    more = _more(steps[-1].paired, climb.paired, smallest_gain) if verdict == "not_enough" else None
    if short > 0 and rates[names[-1]].n:
        words = {"planned": str(planned), "n": str(rates[names[-1]].n), "more": str(short)}
        told, more = Sentence(TOO_FEW, words), short
    else:
        told = _sentence(verdict, rates, best, steps[-1], climb, smallest_gain, target, more)
    return Ladder(
        rates=rates,
        best=best,
        steps=tuple(steps),
        climb=climb,
        last_two=intervals.paired(values[-3], values[-1], groups) if len(names) > 2 else None,
        verdict=verdict,
        more=more,
        sentence=told,
    )


def confirm(rung: str, rate: intervals.Rate, target: float) -> Confirmation:
    """Judge the winner's rate on samples on which nothing was chosen."""
    if rate.value is None:
        return Confirmation(verdict="not_enough", sentence=Sentence(NOTHING, {}))
    enough = rate.n >= FEWEST
    values = {"rung": rung, "n": str(rate.n), "target": percent(target), "value": percent(rate.value)}
    return Confirmation(
        verdict="held" if enough and rate.low >= target else "fell" if enough and rate.high < target else "not_enough",
        sentence=Sentence(LOCKED, {**values, "low": percent(rate.low), "high": percent(rate.high)}),
    )


def _verdict(
    best: intervals.Rate, last: intervals.Rate, steps: Sequence[Step], climb: Step, target: float
) -> LadderVerdict:
    if last.value is None or last.n < FEWEST:
        return "not_enough"
    if best.low >= target:
        return "on_target"
    if steps[-1].flat and last.value < target:
        return "plateau_confirmed" if len(steps) > 3 and steps[-2].flat else "plateau_suspected"
    return "headroom" if climb.better and not steps[-1].flat else "not_enough"


def _more(step: intervals.Paired, climb: intervals.Paired, smallest_gain: float) -> int | None:
    """The shorter way to an answer: a last step that is shown to be flat, or a climb that is shown to be real."""
    ways = (sample_size.more_to_show_plateau(step, smallest_gain), sample_size.more_samples(climb))
    return min((way for way in ways if way is not None), default=None)


def _sentence(
    verdict: LadderVerdict,
    rates: Mapping[str, intervals.Rate],
    best: str,
    step: Step,
    climb: Step,
    smallest_gain: float,
    target: float,
    more: int | None,
) -> Sentence:
    shown = best if verdict == "on_target" else climb.end
    first, last = rates[climb.start], rates[shown]
    if first.value is None or last.value is None:
        return Sentence(NOTHING, {})
    messages: dict[LadderVerdict, str] = {
        "on_target": ON_TARGET,
        "headroom": HEADROOM,
        "plateau_suspected": SUSPECTED,
        "plateau_confirmed": CONFIRMED,
        "not_enough": NOT_ENOUGH if more is None else NOT_ENOUGH_MORE,
    }
    return Sentence(
        messages[verdict],
        {
            "n": str(last.n),
            "first": climb.start,
            "last": shown,
            "start": percent(first.value),
            "value": percent(last.value),
            "value_low": percent(last.low),
            "value_high": percent(last.high),
            "gain": points(climb.paired.mean or 0.0),
            "low": points(climb.paired.low),
            "high": points(climb.paired.high),
            "step": points(step.paired.mean or 0.0),
            "step_low": points(step.paired.low),
            "step_high": points(step.paired.high),
            "goal": points(smallest_gain).lstrip("+"),
            "target": percent(target),
            "more": str(more),
        },
    )
