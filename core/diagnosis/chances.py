"""What a plan can show before it is run: the chance of a yes, the smallest gain it would see, the samples it needs.

For pass or fail the chances are exact: every possible number of fixed and broken samples is judged by the same
interval as the result will be, and weighed by how likely it is. For several answers per sample they come from the
power of the t-test, with the factor of 1.1 that `sample_size` has.
"""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm
from statsmodels.stats.power import TTestPower

from core.diagnosis.verdicts import FEWEST

POWER = 0.8
"""The chance of a yes that a plan should have."""
BROKEN = 0.05
"""Share of samples that a change is expected to break, unless somebody knows better."""
NOISE = 0.23
"""Share of samples that flip between two prompts which are equally good, as the reference simulations have it."""
REPEATS_ALIKE = 0.17
"""How much the changes of two answers to one sample have in common. Five answers leave 58% of one answer's noise."""
MOST = 5000
"""Nobody rates more samples than this for one plan."""


def better(n: int, gain: float, broken: float = BROKEN) -> float:
    """The chance that n samples show "better" when that share is truly gained and that share gets worse."""
    fixed, lost, weight = _outcomes(n, gain + broken, broken)
    mean, error = _moments(n, fixed, lost)
    return float(weight[mean - norm.ppf(0.975) * error > 0].sum()) if n >= FEWEST else 0.0


def harmless(n: int, margin: float, flips: float = 2 * BROKEN) -> float:
    """The chance that n samples show "nothing else broke" when truly as many get better as get worse."""
    fixed, lost, weight = _outcomes(n, flips / 2, flips / 2)
    mean, error = _moments(n, fixed, lost)
    return float(weight[mean - norm.ppf(0.95) * error > -margin].sum()) if n >= FEWEST else 0.0


def proof(gate: int, retain: int, gain: float, margin: float) -> float:
    """The chance that both halves of a proof are shown, when the gain is real and nothing else broke."""
    return better(gate, gain) * harmless(retain, margin)


def climb(n: int, gain: float, repeats: int = 1) -> float:
    """The chance that n samples with so many answers each show a climb of that size."""
    return _power(n, gain, repeats, "two-sided")


def plateau(n: int, smallest_gain: float, repeats: int = 1) -> float:
    """The chance that n samples with so many answers each show a flat step to be flat."""
    return _power(n, smallest_gain, repeats, "larger")


def samples_for(gain: float, broken: float = BROKEN) -> int | None:
    """The fewest samples that show such a gain with 80% power; None beyond any reasonable plan."""
    return _fewest(lambda n: better(n, gain, broken))


def samples_for_plateau(smallest_gain: float, repeats: int = 1) -> int | None:
    """The fewest samples that show a flat step to be flat with 80% power."""
    return _fewest(lambda n: plateau(n, smallest_gain, repeats))


def smallest_visible(n: int, broken: float = BROKEN) -> float | None:
    """The smallest true gain, in 0..1, that n samples show with 80% power; None when no gain would do."""
    gains = (gain / 100 for gain in range(1, round(100 * (1 - 2 * broken))))
    return next((gain for gain in gains if better(n, gain, broken) >= POWER), None)


def _fewest(chance: Callable[[int], float]) -> int | None:
    """Doubling until it suffices, then halving: chances grow with n but for the steps of whole samples."""
    high = FEWEST
    while chance(high) < POWER:
        high *= 2
        if high > MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if chance(middle) >= POWER else (middle, high)
    return high


Array = NDArray[np.float64]


def _outcomes(n: int, fixed: float, broken: float) -> tuple[Array, Array, Array]:
    """How many may be fixed and broken, and how likely each pair of counts is; what is rarer than 1e-9 is left out."""
    up = np.arange(binom.ppf(1e-9, n, fixed), binom.ppf(1 - 1e-9, n, fixed) + 1)
    down = np.arange(binom.ppf(1e-9, n, broken), binom.ppf(1 - 1e-9, n, broken) + 1)
    ups, downs = np.meshgrid(up, down, indexing="ij")
    weight = binom.pmf(ups, n, fixed) * binom.pmf(downs, n - ups, broken / (1 - fixed))
    return ups, downs, weight


def _moments(n: int, fixed: Array, broken: Array) -> tuple[Array, Array]:
    """Mean and standard error as `intervals.paired` has them: n differences with one +1 and one -1 beside them."""
    count = n + 2
    mean = (fixed - broken) / count
    return mean, np.sqrt(((fixed + broken + 2) / count - mean**2) / (count - 1))


def _power(n: int, distance: float, repeats: int, alternative: Literal["two-sided", "larger"]) -> float:
    if n < FEWEST:
        return 0.0
    gained = distance * (1 - distance) if alternative == "two-sided" else 0.0
    spread = math.sqrt((NOISE + gained) * (1 + (repeats - 1) * REPEATS_ALIKE) / repeats)
    effect = distance / spread
    return float(TTestPower().power(effect, n / 1.1, 0.05, alternative=alternative))
