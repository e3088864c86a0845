"""How much of the way from a base to its teacher a student has gone."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from core.diagnosis import intervals, verdicts
from core.diagnosis.intervals import Values
from core.diagnosis.verdicts import Sentence
from core.locale.mark import N_

Outcome = Literal["closes", "widens", "no_gap", "open"]

RESAMPLES = 4999
SEED = 0
"""The same answers always give the same interval."""

CLOSES = N_(
    "The student closes %(share)s%% of the gap to the teacher on %(n)s samples, 95%% interval %(low)s%% to %(high)s%%."
)
WIDENS = N_(
    "The student closes nothing of the gap to the teacher on %(n)s samples: %(share)s%%, "
    "95%% interval %(low)s%% to %(high)s%%."
)
OPEN = N_(
    "Not enough evidence yet: %(share)s%% of the gap to the teacher is closed on %(n)s samples, "
    "95%% interval %(low)s%% to %(high)s%%."
)
NO_GAP = N_(
    "Not enough evidence yet that the teacher is better than the base, so there is no gap to close: %(gap)s points on "
    "%(n)s samples, 95%% interval %(gap_low)s to %(gap_high)s."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GapShare:
    """`share` is (student - base) / (teacher - base), with its 95% interval; None where no gap was shown."""

    outcome: Outcome
    share: float | None
    low: float | None
    high: float | None
    n: int
    sentence: Sentence


def measure(base: Values, student: Values, teacher: Values, groups: Sequence[str]) -> GapShare:
    """Judge per-sample values in 0..1 of the same samples, in the same order; samples of a group belong together.

    A share means something only where the teacher is better than the base, by the lower end of their paired interval.
    The interval is a percentile bootstrap over groups (scipy). As in `intervals.paired`, one gain and one loss of the
    student are added, so that a student who follows the teacher everywhere is not certain to do so for ever. In 600
    simulated comparisons of 50 or 100 samples it held the true share 92 to 98 times in a hundred.
    """
    gap = intervals.paired(base, teacher, groups)
    if gap.n < verdicts.FEWEST or gap.low <= 0:
        values = {"gap": verdicts.points(gap.mean or 0.0), "n": str(gap.n)}
        values |= {"gap_low": verdicts.points(gap.low), "gap_high": verdicts.points(gap.high)}
        return GapShare(outcome="no_gap", share=None, low=None, high=None, n=gap.n, sentence=Sentence(NO_GAP, values))
    gained, wanted = _by_group(base, student, teacher, groups)
    share = float(gained.sum() / wanted.sum())
    found = stats.bootstrap(
        (np.append(gained, [1.0, -1.0]), np.append(wanted, [0.0, 0.0])),
        _ratio,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    low, high = float(found.low), float(found.high)
    outcome: Outcome = "closes" if low > 0 else "widens" if high < 0 else "open"
    values = {"share": _percent(share), "low": _percent(low), "high": _percent(high), "n": str(gap.n)}
    message = {"closes": CLOSES, "widens": WIDENS, "open": OPEN}[outcome]
    return GapShare(outcome=outcome, share=share, low=low, high=high, n=gap.n, sentence=Sentence(message, values))


def _by_group(
    base: Values, student: Values, teacher: Values, groups: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums over each group's samples of student - base, and of teacher - base."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for old, new, best, group in zip(base, student, teacher, groups, strict=True):
        sums[group][0] += new - old
        sums[group][1] += best - old
    found = np.array(list(sums.values()))
    return found[:, 0], found[:, 1]


def _ratio(gained: NDArray[np.float64], wanted: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """A resample without any gap says nothing for or against the student: it counts as zero."""
    whole = wanted.sum(axis=axis)
    found: NDArray[np.float64] = np.divide(gained.sum(axis=axis), whole, out=np.zeros_like(whole), where=whole > 0)
    return found


def _percent(share: float) -> str:
    return f"{share * 100:.0f}"
