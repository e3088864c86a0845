"""Several models on the same prompt and samples: is the model too weak, or is the task badly defined?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.diagnosis import intervals, sample_size
from core.diagnosis.verdicts import FEWEST, Sentence, percent, points
from core.locale.mark import N_

GapVerdict = Literal["target_fine", "capability_gap", "all_weak", "not_enough"]

NOTHING = N_("Not enough evidence yet: no samples have been compared.")
TARGET_FINE = N_(
    "%(base)s reaches the target of %(target)s itself: %(base_value)s on %(n)s samples, 95%% interval %(base_low)s to "
    "%(base_high)s."
)
CAPABILITY_GAP = N_(
    "Capability gap: on the same %(n)s samples %(best)s is right in %(best_value)s, 95%% interval %(best_low)s to "
    "%(best_high)s, and %(base)s in %(base_value)s, %(base_low)s to %(base_high)s; %(gap)s points between them, "
    "%(gap_low)s to %(gap_high)s. The task can be done: switch to the stronger model, or distil from it."
)
ALL_WEAK = N_(
    "All %(models)s models are below the target of %(target)s: even the best, %(best)s, is right in %(best_value)s of "
    "%(n)s samples, 95%% interval %(best_low)s to %(best_high)s. Then the task is badly defined, or something that one "
    "needs to know is missing from the question."
)
NOT_ENOUGH = N_(
    "Not enough evidence yet: on %(n)s samples %(base)s is right in %(base_value)s, 95%% interval %(base_low)s to "
    "%(base_high)s, and %(best)s in %(best_value)s, %(best_low)s to %(best_high)s; the target is %(target)s."
)
NOT_ENOUGH_MORE = N_(
    "Not enough evidence yet: on %(n)s samples %(base)s is right in %(base_value)s, 95%% interval %(base_low)s to "
    "%(base_high)s, and %(best)s in %(best_value)s, %(best_low)s to %(best_high)s; the target is %(target)s. "
    "About %(more)s more samples are needed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """One model against the target base. `p_holm` is corrected for looking at all of them."""

    paired: intervals.Paired
    p_holm: float

    @property
    def better(self) -> bool:
        """A lead that survives the correction."""
        return self.paired.n >= FEWEST and self.paired.low > 0 and self.p_holm < 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelGap:
    """Rates per model, each other model against the target base, the best, and what follows."""

    base: str
    best: str
    rates: Mapping[str, intervals.Rate]
    against: Mapping[str, Against]
    verdict: GapVerdict
    more: int | None
    sentence: Sentence


def judge(
    models: Mapping[str, intervals.Values], *, base: str, target: float, groups: Sequence[str] | None = None
) -> ModelGap:
    """Judge models by name, each with one value in 0..1 per sample, the same samples in each.

    Target fine: the base's lower bound reaches the target. Capability gap: another model's lower bound does, and its
    paired difference to the base is above zero, corrected by Holm over all of them. All weak: even the best model's
    upper bound is below the target.
    """
    if len(models) < 2 or base not in models:
        raise ValueError("A comparison has at least two models, the base among them.")
    rates = {name: intervals.mean_rate(values) for name, values in models.items()}
    others = {name: intervals.paired(models[base], values, groups) for name, values in models.items() if name != base}
    p_holm = intervals.holm([found.p_value for found in others.values()])
    against = {
        name: Against(paired=found, p_holm=float(p)) for (name, found), p in zip(others.items(), p_holm, strict=True)
    }
    best = max(rates, key=lambda name: (rates[name].value or 0.0, name != base))
    strong = [name for name, found in against.items() if rates[name].low >= target and found.better]
    verdict: GapVerdict = "not_enough"
    if rates[base].n >= FEWEST:
        if rates[base].low >= target:
            verdict = "target_fine"
        elif strong:
            verdict, best = "capability_gap", max(strong, key=lambda name: rates[name].value or 0.0)
        elif rates[best].high < target:
            verdict = "all_weak"
    more = sample_size.more_for_rate(rates[best], target) if verdict == "not_enough" else None
    return ModelGap(
        base=base,
        best=best,
        rates=rates,
        against=against,
        verdict=verdict,
        more=more,
        sentence=_sentence(verdict, base, best, rates, against, target, more),
    )


def _sentence(
    verdict: GapVerdict,
    base: str,
    best: str,
    rates: Mapping[str, intervals.Rate],
    against: Mapping[str, Against],
    target: float,
    more: int | None,
) -> Sentence:
    if rates[base].value is None:
        return Sentence(NOTHING, {})
    messages: dict[GapVerdict, str] = {
        "target_fine": TARGET_FINE,
        "capability_gap": CAPABILITY_GAP,
        "all_weak": ALL_WEAK,
        "not_enough": NOT_ENOUGH if more is None else NOT_ENOUGH_MORE,
    }
    # The base may be the best itself; then its nearest rival is what it is told against.
    rival = best if best != base else max(against, key=lambda name: rates[name].value or 0.0)
    gap = against[rival].paired
    values = {
        "n": str(rates[base].n),
        "models": str(len(rates)),
        "base": base,
        "best": rival if verdict in ("not_enough", "capability_gap") else best,
        "gap": points(gap.mean or 0.0),
        "gap_low": points(gap.low),
        "gap_high": points(gap.high),
        "target": percent(target),
        "more": str(more),
    }
    for side, name in (("base", base), ("best", values["best"])):
        rate = rates[name]
        values |= {f"{side}_value": percent(rate.value or 0.0), f"{side}_low": percent(rate.low)}
        values[f"{side}_high"] = percent(rate.high)
    return Sentence(messages[verdict], values)
