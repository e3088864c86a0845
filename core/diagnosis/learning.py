"""Would more approved samples help? What a model has learned from half of them against what it has from all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.diagnosis import verdicts
from core.diagnosis.intervals import Values
from core.diagnosis.verdicts import Comparison, Sentence
from core.locale.mark import N_

Outcome = Literal["helps", "flat", "unknown"]

HELPS = N_(
    "More samples would help: from half of them to all %(gain)s points on %(n)s dev samples, "
    "95%% interval %(low)s to %(high)s."
)
FLAT = N_(
    "More samples of this kind would not help: from half of them to all %(gain)s points on %(n)s dev samples, "
    "at most %(high_90)s where %(goal)s is worth having."
)
UNKNOWN = N_(
    "Not enough evidence yet on whether more samples would help: from half of them to all %(gain)s points on %(n)s dev "
    "samples, 95%% interval %(low)s to %(high)s."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """The last step of a learning curve, and what it means."""

    outcome: Outcome
    step: Comparison
    sentence: Sentence


def judge(half: Values, full: Values, *, smallest_gain: float, groups: Sequence[str]) -> Learning:
    """Judge per-sample values in 0..1 of the same samples, in the same order.

    Helps: the lower end of the paired 95% interval is above zero. Flat: the upper one-sided 95% bound is below the
    smallest gain worth having. Else unknown.
    """
    step = verdicts.compare(half, full, smallest_gain=smallest_gain, groups=groups)
    outcome: Outcome = "unknown"
    if "better" in step.verdicts:
        outcome = "helps"
    elif "plateau" in step.verdicts:
        outcome = "flat"
    paired = step.paired
    values = {"n": str(paired.n), "goal": f"{smallest_gain * 100:g}"}
    values |= {name: verdicts.points(share) for name, share in (("gain", paired.mean or 0.0), ("low", paired.low),
               ("high", paired.high), ("high_90", paired.high_90))}  # fmt: skip
    message = {"helps": HELPS, "flat": FLAT, "unknown": UNKNOWN}[outcome]
    return Learning(outcome=outcome, step=step, sentence=Sentence(message, values))
