"""What kind of mistake the failed answers make, from people's ratings."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.diagnosis import intervals
from core.diagnosis.verdicts import FEWEST, Sentence, percent
from core.locale.mark import N_

HALF = 0.5

NOTHING = N_("Not enough evidence yet: no failed answer has been given an error type.")
MOSTLY = N_("Of %(n)s failed answers most fail for one reason, %(kind)s: %(share)s, 95%% interval %(low)s to %(high)s.")
MIXED = N_(
    "Of %(n)s failed answers no single reason explains most; the commonest is %(kind)s: %(share)s, 95%% interval "
    "%(low)s to %(high)s."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Shares of the failed answers by error type, the commonest first; an answer may have several.

    `dominant` is the type that more than half of them have, with 95% confidence; None when there is no such type.
    """

    shares: Mapping[str, intervals.Rate]
    n: int
    dominant: str | None
    sentence: Sentence


def judge(counts: Mapping[str, int], failed: int, names: Mapping[str, str]) -> Errors:
    """Judge how many of the failed answers have each error type; `names` words the types for the sentence."""
    shares = {kind: intervals.rate(count, failed) for kind, count in sorted(counts.items(), key=lambda one: -one[1])}
    first = next(iter(shares), None)
    if first is None or not failed:
        return Errors(shares={}, n=failed, dominant=None, sentence=Sentence(NOTHING, {}))
    rate = shares[first]
    dominant = first if failed >= FEWEST and rate.low > HALF else None
    values = {"n": str(failed), "kind": names.get(first, first), "share": percent(rate.value or 0.0)}
    values |= {"low": percent(rate.low), "high": percent(rate.high)}
    return Errors(shares=shares, n=failed, dominant=dominant, sentence=Sentence(MOSTLY if dominant else MIXED, values))
