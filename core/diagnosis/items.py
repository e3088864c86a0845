"""Samples that tell nothing: every version passes them, every version fails them, or raters cannot agree on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from core.diagnosis import intervals
from core.diagnosis.verdicts import Sentence, percent
from core.locale.mark import N_

Kind = Literal["always_pass", "always_fail", "split"]
"""always_pass: right in every answer of every version. always_fail: right in none. split: raters said both of one
answer."""
KINDS: tuple[Kind, ...] = get_args(Kind)

FEWEST_VERSIONS = 2
"""With a single version every sample would always pass or always fail."""

NOTHING = N_("Not enough evidence yet: no sample has been answered by two versions, and none was judged by two people.")
FOUND = N_(
    "Of %(n)s samples that two or more versions answered, %(pass)s always pass (95%% interval %(pass_low)s to "
    "%(pass_high)s) and %(fail)s always fail (%(fail_low)s to %(fail_high)s)."
)
SPLIT = N_(
    "Of %(n)s samples that two or more people judged, %(split)s split them (95%% interval %(split_low)s to "
    "%(split_high)s)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """How many samples are of each kind, and of how many; `sentences` say it, one for versions and one for raters."""

    rates: Mapping[Kind, intervals.Rate]
    sentences: tuple[Sentence, ...]


def judge(counts: Mapping[Kind, int], *, answered: int, judged: int) -> Items:
    """`answered` samples were answered by two versions or more, `judged` had an answer that two people judged."""
    of: dict[Kind, int] = {"always_pass": answered, "always_fail": answered, "split": judged}
    rates = {kind: intervals.rate(counts.get(kind, 0), n) for kind, n in of.items()}
    told = []
    if answered:
        values = {"n": str(answered)}
        values |= _told("pass", rates["always_pass"]) | _told("fail", rates["always_fail"])
        told.append(Sentence(FOUND, values))
    if judged:
        told.append(Sentence(SPLIT, {"n": str(judged), **_told("split", rates["split"])}))
    return Items(rates=rates, sentences=tuple(told) or (Sentence(NOTHING, {}),))


def _told(name: str, rate: intervals.Rate) -> dict[str, str]:
    return {name: percent(rate.value or 0.0), f"{name}_low": percent(rate.low), f"{name}_high": percent(rate.high)}
