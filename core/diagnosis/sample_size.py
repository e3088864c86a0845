"""How many more samples it would take to know.

n = 1.1 x what a paired t-test needs for 80% power at 5%, within a few percent of the exact answer for the interval in
use here. The spread comes from the samples there are, but never from fewer flips than one sample in ten.
"""

import math

from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import samplesize_confint_proportion

from core.diagnosis import intervals

DISCORDANCE = 0.1
"""A pilot in which a smaller share of the samples flips is not believed."""
LARGEST_EFFECT = 1.5
"""Effects beyond this need so few samples that the formula is outside its range."""
SMALLEST_EFFECT = 0.01
"""Effects below this need some 80,000 samples, which is no advice."""


def more_samples(paired: intervals.Paired, *, smallest_gain: float | None = None) -> int | None:
    """Samples to add to show the gain seen so far, or the smallest one worth having if that is larger.

    None when nothing was gained and no smallest gain is given, or when the samples there are should have been enough.
    """
    return _more(paired, max(paired.mean or 0.0, smallest_gain or 0.0), "two-sided")


def more_to_show_harmless(paired: intervals.Paired, margin: float) -> int | None:
    """Samples to add to show that no more than the margin is lost, if the change seen so far is the true one."""
    return _more(paired, (paired.mean or 0.0) + margin, "larger")


def more_to_show_plateau(paired: intervals.Paired, smallest_gain: float) -> int | None:
    """Samples to add to show that the gain is below the smallest worth having, if the one seen is the true one."""
    return _more(paired, smallest_gain - (paired.mean or 0.0), "larger")


def _more(paired: intervals.Paired, distance: float, alternative: str) -> int | None:
    flips = math.sqrt(max(DISCORDANCE - (paired.mean or 0.0) ** 2, 0.0))
    effect = min(distance / max(paired.sd, flips), LARGEST_EFFECT)
    if effect < SMALLEST_EFFECT:
        return None
    needed = TTestPower().solve_power(effect_size=effect, alpha=0.05, power=0.8, alternative=alternative)
    missing = math.ceil(1.1 * float(needed)) - paired.n
    return missing if missing > 0 else None


def more_for_rate(rate: intervals.Rate, target: float) -> int | None:
    """Samples to add until a rate's interval leaves the target out, if the share seen so far is the true one."""
    if rate.value is None or abs(rate.value - target) < SMALLEST_EFFECT:
        return None
    share = min(max(rate.value, DISCORDANCE / 2), 1 - DISCORDANCE / 2)
    needed = samplesize_confint_proportion(share, abs(rate.value - target), method="normal")
    missing = math.ceil(1.1 * float(needed)) - rate.n
    return missing if missing > 0 else None
