"""What a difference means: one interval, the rules agreed before, and the sentence that says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from core.diagnosis import intervals, sample_size
from core.locale.mark import N_

Verdict = Literal["better", "nothing_broke", "same", "plateau", "worse", "not_enough"]
ProofVerdict = Literal["better", "broke", "unproven", "no_gain", "worse", "not_enough"]

FEWEST = 6
"""Below this many samples five lucky flips in five would read as proof."""

NOTHING = N_("Not enough evidence yet: no samples have been compared.")
BETTER = N_("Better on %(n)s samples: %(gain)s points, 95%% interval %(low)s to %(high)s.")
WORSE = N_("Worse on %(n)s samples: %(gain)s points, 95%% interval %(low)s to %(high)s.")
EQUAL = N_(
    "The same within %(margin)s points on %(n)s samples: %(gain)s points, 90%% interval %(low_90)s to %(high_90)s."
)
PLATEAU = N_(
    "No gain of %(goal)s points or more on %(n)s samples: %(gain)s points, 95%% interval %(low)s to %(high)s, "
    "at most %(high_90)s."
)
NOTHING_BROKE = N_(
    "Nothing broke on %(n)s samples: %(gain)s points, 95%% interval %(low)s to %(high)s, at worst %(low_90)s "
    "where a loss of %(margin)s was allowed."
)
NOT_ENOUGH = N_("Not enough evidence yet: %(gain)s points on %(n)s samples, 95%% interval %(low)s to %(high)s.")
NOT_ENOUGH_MORE = N_(
    "Not enough evidence yet: %(gain)s points on %(n)s samples, 95%% interval %(low)s to %(high)s; "
    "about %(more)s more samples are needed."
)

PROOF_NO_RETAIN = N_(
    "Better on %(n)s gate samples: %(gain)s points, 95%% interval %(low)s to %(high)s; "
    "whether anything else broke was not measured."
)
PROOF_BETTER = N_(
    "Better on %(n)s gate samples: %(gain)s points, 95%% interval %(low)s to %(high)s; nothing else broke on "
    "%(retain_n)s retain samples: %(retain_gain)s points, 95%% interval %(retain_low)s to %(retain_high)s."
)
PROOF_BROKE = N_(
    "Better on %(n)s gate samples: %(gain)s points, 95%% interval %(low)s to %(high)s; but something broke on "
    "%(retain_n)s retain samples: %(retain_gain)s points, 95%% interval %(retain_low)s to %(retain_high)s."
)
PROOF_UNPROVEN = N_(
    "Better on %(n)s gate samples: %(gain)s points, 95%% interval %(low)s to %(high)s; but %(retain_n)s retain samples "
    "do not show that nothing else broke: %(retain_gain)s points, 95%% interval %(retain_low)s to %(retain_high)s."
)
PROOF_UNPROVEN_MORE = N_(
    "Better on %(n)s gate samples: %(gain)s points, 95%% interval %(low)s to %(high)s; but %(retain_n)s retain samples "
    "do not show that nothing else broke: %(retain_gain)s points, 95%% interval %(retain_low)s to %(retain_high)s; "
    "about %(more)s more retain samples are needed."
)
PROOF_NO_GAIN = N_("No gain worth having on %(n)s gate samples: %(gain)s points, 95%% interval %(low)s to %(high)s.")
PROOF_WORSE = N_("Worse on %(n)s gate samples: %(gain)s points, 95%% interval %(low)s to %(high)s.")
PROOF_WORSE_ELSEWHERE = N_(
    "Not shown to be better on %(n)s gate samples: %(gain)s points, 95%% interval %(low)s to %(high)s; and something "
    "broke on %(retain_n)s retain samples: %(retain_gain)s points, 95%% interval %(retain_low)s to %(retain_high)s."
)
PROOF_NOT_ENOUGH = N_(
    "Not enough evidence yet: %(gain)s points on %(n)s gate samples, 95%% interval %(low)s to %(high)s."
)
PROOF_NOT_ENOUGH_MORE = N_(
    "Not enough evidence yet: %(gain)s points on %(n)s gate samples, 95%% interval %(low)s to %(high)s; "
    "about %(more)s more gate samples are needed."
)


class Sentence(NamedTuple):
    """A gettext message id and the texts for its fields; `str()` gives the English."""

    message: str
    values: dict[str, str]

    def __str__(self) -> str:
        return self.message % self.values if self.values else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Before against after on the same samples: every verdict that holds, and the one to lead with.

    `headline` is the first that holds of better, worse, same, plateau, nothing_broke; else not_enough. `more` is how
    many more samples would probably show a gain; None when one of the first four holds or no number can be advised.
    """

    paired: intervals.Paired
    before: intervals.Rate
    after: intervals.Rate
    verdicts: tuple[Verdict, ...]
    headline: Verdict
    more: int | None
    margin: float | None
    smallest_gain: float | None
    sentence: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Better on the gate set and nothing broken on the retain set, or what is short of it."""

    verdict: ProofVerdict
    sentence: Sentence

    @property
    def passed(self) -> bool:
        """True only when both halves are shown."""
        return self.verdict == "better"


def compare(
    before: intervals.Values,
    after: intervals.Values,
    *,
    margin: float | None = None,
    smallest_gain: float | None = None,
    groups: Sequence[str] | None = None,
) -> Comparison:
    """Judge per-sample values in 0..1 of the same samples, in the same order.

    `margin` is the loss that was agreed to be harmless, `smallest_gain` the gain that was agreed to be worth having,
    both in 0..1 and fixed before the run. Without them the verdicts that need them cannot hold.
    """
    if not all(0 < agreed <= 1 for agreed in (margin, smallest_gain) if agreed is not None):
        raise ValueError("The margin and the smallest gain lie between 0 and 1.")
    paired = intervals.paired(before, after, groups)
    holds: dict[Verdict, bool] = {
        "better": paired.low > 0,
        "worse": paired.high < 0,
        "same": margin is not None and paired.low_90 > -margin and paired.high_90 < margin,
        "plateau": smallest_gain is not None and paired.high_90 < smallest_gain,
        "nothing_broke": margin is not None and paired.low_90 > -margin,
    }
    verdicts = tuple(name for name, held in holds.items() if held and paired.n >= FEWEST) or ("not_enough",)
    headline = verdicts[0]
    settled = headline not in ("not_enough", "nothing_broke")
    more = None if settled else sample_size.more_samples(paired, smallest_gain=smallest_gain)
    return Comparison(
        paired=paired,
        before=intervals.mean_rate(before),
        after=intervals.mean_rate(after),
        verdicts=verdicts,
        headline=headline,
        more=more,
        margin=margin,
        smallest_gain=smallest_gain,
        sentence=_sentence(paired, headline, more, margin, smallest_gain),
    )


def gate(main: Comparison, retain: Comparison | None) -> Proof:
    """The proof over both sets: better on the gate set, and nothing broken on the retain set.

    The retain comparison needs its margin: a loss inside it was agreed to be harmless. No correction for testing
    twice, since both halves have to hold (intersection-union test).
    """
    if main.paired.n == 0:
        return Proof(verdict="not_enough", sentence=Sentence(NOTHING, {}))
    values = _values(main.paired)
    if "worse" in main.verdicts:
        return Proof(verdict="worse", sentence=Sentence(PROOF_WORSE, values))
    better = "better" in main.verdicts
    if retain is not None and retain.paired.n:
        values |= {f"retain_{name}": text for name, text in _values(retain.paired).items()}
        if better and "nothing_broke" in retain.verdicts:
            return Proof(verdict="better", sentence=Sentence(PROOF_BETTER, values))
        if "worse" in retain.verdicts and "nothing_broke" not in retain.verdicts:
            if better:
                return Proof(verdict="broke", sentence=Sentence(PROOF_BROKE, values))
            return Proof(verdict="worse", sentence=Sentence(PROOF_WORSE_ELSEWHERE, values))
        if better:
            more = None if retain.margin is None else sample_size.more_to_show_harmless(retain.paired, retain.margin)
            return Proof(verdict="unproven", sentence=_with_more(PROOF_UNPROVEN, PROOF_UNPROVEN_MORE, values, more))
    elif better:
        return Proof(verdict="unproven", sentence=Sentence(PROOF_NO_RETAIN, values))
    if "same" in main.verdicts or "plateau" in main.verdicts:
        return Proof(verdict="no_gain", sentence=Sentence(PROOF_NO_GAIN, values))
    return Proof(verdict="not_enough", sentence=_with_more(PROOF_NOT_ENOUGH, PROOF_NOT_ENOUGH_MORE, values, main.more))


def points(share: float) -> str:
    """A difference in 0..1 as signed points; what is not zero never reads as zero."""
    value = share * 100
    if abs(value) < 1e-6:
        return "0"
    text = f"{value:+.0f}" if abs(value) >= 9.95 else f"{value:+.1f}".removesuffix(".0")
    return text if text not in ("+0", "-0") else f"{value:+.1g}"


def percent(share: float) -> str:
    """A share in 0..1 as a whole percentage without its sign; below one, with a decimal."""
    return points(share).lstrip("+") + "%"


def _sentence(
    paired: intervals.Paired, headline: Verdict, more: int | None, margin: float | None, goal: float | None
) -> Sentence:
    if paired.n == 0:
        return Sentence(NOTHING, {})
    values = _values(paired)
    if margin is not None:
        values["margin"] = points(margin).lstrip("+")
    if goal is not None:
        values["goal"] = points(goal).lstrip("+")
    if headline == "not_enough":
        return _with_more(NOT_ENOUGH, NOT_ENOUGH_MORE, values, more)
    messages: dict[Verdict, str] = {
        "better": BETTER,
        "worse": WORSE,
        "same": EQUAL,
        "plateau": PLATEAU,
        "nothing_broke": NOTHING_BROKE,
    }
    return Sentence(messages[headline], values)


def _with_more(plain: str, advised: str, values: dict[str, str], more: int | None) -> Sentence:
    return Sentence(plain, values) if more is None else Sentence(advised, values | {"more": str(more)})


def _values(paired: intervals.Paired) -> dict[str, str]:
    return {
        "n": str(paired.n),
        "gain": points(paired.mean or 0.0),
        "low": points(paired.low),
        "high": points(paired.high),
        "low_90": points(paired.low_90),
        "high_90": points(paired.high_90),
    }
