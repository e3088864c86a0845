"""What kind of mistake failed answers make, and whether a change made it rarer; from people's ratings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from core.diagnosis import intervals
from core.diagnosis.verdicts import FEWEST, Sentence, percent, points
from core.locale.mark import N_

HALF = 0.5

NOTHING = N_("Not enough evidence yet: no failed answer has been given an error type.")
MOSTLY = N_(
    "Most of the %(n)s failed samples fail for one reason, “%(kind)s”: %(share)s of them, 95%% interval %(low)s to "
    "%(high)s."
)
MIXED = N_(
    "No single reason explains most of the %(n)s failed samples; the commonest is “%(kind)s”: %(share)s of them, "
    "95%% interval %(low)s to %(high)s."
)
NOT_COMPARED = N_("Not enough evidence yet: people have judged no sample with both versions.")
FEWER = N_(
    "Fewer mistakes of the kind %(kind)s: %(change)s points on %(n)s samples, 95%% interval %(low)s to %(high)s."
)
MORE = N_("More mistakes of the kind %(kind)s: %(change)s points on %(n)s samples, 95%% interval %(low)s to %(high)s.")
UNCLEAR = N_(
    "Not enough evidence yet that any kind of mistake became rarer or commoner: %(n)s samples; the largest change is "
    "%(kind)s, %(change)s points, 95%% interval %(low)s to %(high)s."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Shares of the failed samples by error type, the commonest first; a sample may have several.

    `dominant` is the type that more than half of them have, with 95% confidence; None when there is no such type.
    """

    shares: Mapping[str, intervals.Rate]
    n: int
    dominant: str | None
    sentence: Sentence


def judge(shares: Mapping[str, intervals.Rate], names: Mapping[str, str]) -> Errors:
    """Judge what share of the failed samples has each error type; `names` words the types for the sentence."""
    ordered = dict(sorted(shares.items(), key=lambda one: -(one[1].value or 0.0)))
    first = next((kind for kind, rate in ordered.items() if rate.n), None)
    if first is None:
        return Errors(shares={}, n=0, dominant=None, sentence=Sentence(NOTHING, {}))
    rate = ordered[first]
    dominant = first if rate.n >= FEWEST and rate.low > HALF else None
    values = {"n": str(rate.n), "kind": names.get(first, first), "share": percent(rate.value or 0.0)}
    values |= {"low": percent(rate.low), "high": percent(rate.high)}
    return Errors(shares=ordered, n=rate.n, dominant=dominant, sentence=Sentence(MOSTLY if dominant else MIXED, values))


class Sides(NamedTuple):
    """Per sample the share in 0..1 of its judgements that named a mistake, before and after, and its group."""

    before: Sequence[float]
    after: Sequence[float]
    groups: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How often one kind of mistake is made before and after, on the same samples.

    `paired` is after - before, so less than zero is good. `p_holm` is corrected for looking at every kind.
    """

    kind: str
    before: intervals.Rate
    after: intervals.Rate
    paired: intervals.Paired
    p_holm: float

    @property
    def word(self) -> Literal["fewer", "more", "not_enough"]:
        """What can be said: only when the interval leaves zero out and the correction leaves that standing."""
        if self.paired.n < FEWEST or self.p_holm >= 0.05 or self.paired.low <= 0 <= self.paired.high:
            return "not_enough"
        return "fewer" if self.paired.high < 0 else "more"


def changes(kinds: Mapping[str, Sides]) -> list[Change]:
    """Every kind of mistake, corrected by Holm for being several; what changed most comes first."""
    found = {kind: intervals.paired(*sides) for kind, sides in kinds.items()}
    corrected = intervals.holm([paired.p_value for paired in found.values()])
    every = [
        Change(
            kind=kind,
            before=intervals.mean_rate(kinds[kind].before),
            after=intervals.mean_rate(kinds[kind].after),
            paired=paired,
            p_holm=p,
        )
        for (kind, paired), p in zip(found.items(), corrected, strict=True)
    ]
    return sorted(every, key=lambda one: (one.word == "not_enough", -abs(one.paired.mean or 0.0)))


def sentence(found: Sequence[Change], names: Mapping[str, str]) -> Sentence:
    """What the changes come to, told by the one that leads."""
    first = next(iter(found), None)
    if first is None or first.paired.mean is None:
        return Sentence(NOT_COMPARED, {})
    values = {"kind": names.get(first.kind, first.kind), "n": str(first.paired.n), "change": points(first.paired.mean)}
    values |= {"low": points(first.paired.low), "high": points(first.paired.high)}
    return Sentence({"fewer": FEWER, "more": MORE, "not_enough": UNCLEAR}[first.word], values)
