"""How sure a rate or a difference is. The unit is the sample: repeats and raters are averaged before they come here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

FEW_CLUSTERS = 6
"""From this many clusters on, the clustered interval keeps its promise; below it is widened."""

Values = Sequence[float] | NDArray[np.float64]
"""One value in 0..1 for each sample."""

SAME = 1e-9
"""Differences closer to zero than this are rounding: no sample changed by that little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share in 0..1 with its 95% interval over n samples; value is None when there was nothing to count."""

    value: float | None
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Mean of after - before over the same samples, in -1..1; None when there were no samples.

    `low` and `high` bound the 95% interval. `low_90` and `high_90` bound the 90% interval; each of them alone is
    also the one-sided 95% bound, as equivalence and non-inferiority tests use it. `sd` is the standard error times
    the root of n: one sample's spread, clustering included. `p_value` is two-sided and agrees with the 95% interval.
    Fixed, broken and unchanged count samples that went up, down, or stayed. `clusters` is None unless samples shared
    a group.
    """

    mean: float | None
    low: float
    high: float
    low_90: float
    high_90: float
    p_value: float
    sd: float
    n: int
    fixed: int
    broken: int
    unchanged: int
    clusters: int | None = None


def rate(successes: int, n: int) -> Rate:
    """The share of successes with its Wilson 95% interval."""
    if not 0 <= successes <= n:
        raise ValueError("Successes are between none and all.")
    if n == 0:
        return Rate(value=None, low=0.0, high=1.0, n=0)
    low, high = proportion_confint(successes, n, method="wilson")
    return Rate(value=successes / n, low=_clip(low, 0), high=_clip(high, 0), n=n)


def mean_rate(values: Values) -> Rate:
    """The mean of per-sample values in 0..1 with its 95% interval.

    Pass/fail values get Wilson's. Graded ones get the normal interval after adding two 0s and two 1s, which is what
    Agresti and Coull's "plus four" does for counts: values that all agree do not collapse it to a point.
    """
    graded = _checked(values)
    if np.isin(graded, (0.0, 1.0)).all():
        return rate(int(graded.sum()), graded.size)
    low, high = DescrStatsW(np.append(graded, [0, 0, 1, 1])).zconfint_mean()
    return Rate(value=float(graded.mean()), low=_clip(low, 0), high=_clip(high, 0), n=graded.size)


def mean_of_sums(n: int, total: float, squares: float) -> Rate:
    """`mean_rate` of n values that a database has added up: their sum and the sum of their squares.

    Values that are all 0 or 1 have the same sum as squares, and get Wilson's interval here, too.
    """
    if abs(total - squares) < SAME * max(1, n):
        return rate(round(total), n)
    mean, count = (total + 2) / (n + 4), n + 4
    error = math.sqrt(max(0.0, (squares + 2) / count - mean**2) / (count - 1))
    low, high = norm.interval(0.95, loc=mean, scale=error)
    return Rate(value=total / n, low=_clip(low, 0), high=_clip(high, 0), n=n)


def paired(before: Values, after: Values, groups: Sequence[str] | None = None) -> Paired:
    """What changed between two values in 0..1 of the same samples, in the same order.

    One +1 and one -1 join the differences before the ordinary normal interval is taken (Bonett and Price 2012, for
    pass/fail), so that few flips do not pass for certainty. Samples that share a group are not independent: then the
    mean comes from a regression on a constant with standard errors clustered by group, and Student's t. That keeps
    every sample's weight, which averaging inside groups would not, and with one sample per group has the same
    standard error as above. Below six groups the added pair weighs as much as a group does.
    """
    old, new = _checked(before), _checked(after)
    if old.size != new.size or (groups is not None and len(groups) != old.size):
        raise ValueError("Before, after and groups describe the same samples.")
    change = new - old
    codes, names = pd.factorize(np.asarray(range(change.size) if groups is None else groups, dtype=object))
    clusters = len(names)
    if clusters == change.size:
        plain = DescrStatsW(np.append(change, [1, -1]))
        bounds = (*plain.zconfint_mean(), *plain.zconfint_mean(alpha=0.1))
        error, p_value = float(plain.std_mean), float(plain.ztest_mean()[1])
    else:
        weight = 1 if clusters >= FEW_CLUSTERS else math.ceil(change.size / clusters)
        fit = OLS(np.append(change, np.repeat([1, -1], weight)), np.ones(change.size + 2 * weight)).fit(
            cov_type="cluster",
            cov_kwds={"groups": np.append(codes, np.repeat([clusters, clusters + 1], weight))},
            use_t=True,
        )
        bounds = (*fit.conf_int()[0], *fit.conf_int(alpha=0.1)[0])
        error, p_value = float(fit.bse[0]), float(fit.pvalues[0])
    low, high, low_90, high_90 = (_clip(bound, -1) for bound in bounds)
    fixed, broken = int((change > SAME).sum()), int((change < -SAME).sum())
    return Paired(
        mean=float(change.mean()) if change.size else None,
        low=low,
        high=high,
        low_90=low_90,
        high_90=high_90,
        p_value=p_value,
        sd=error * math.sqrt(change.size),
        n=change.size,
        fixed=fixed,
        broken=broken,
        unchanged=change.size - fixed - broken,
        clusters=None if clusters == change.size else clusters,
    )


def _checked(values: Values) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=float)
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError("Values lie between 0 and 1; a missing one is left out, not passed on.")
    return array


def _clip(bound: float, lowest: int) -> float:
    return min(1.0, max(float(lowest), float(bound)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values corrected for being several (Holm, 1979, step-down), in the order given.

    As statsmodels' `multipletests`, which collects all garbage at each call: a tenth of a second in a large process.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return [float(value) for value in corrected]
