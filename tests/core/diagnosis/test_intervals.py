"""Intervals that keep their promise where few samples flip, and are never nan."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import multinomial, norm
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from core.diagnosis import intervals


def flips(n, fixed, broken):
    """Before and after of n samples of which some were fixed and some broken."""
    before = [0] * fixed + [1] * broken + [0] * (n - fixed - broken)
    after = [1] * fixed + [0] * broken + [0] * (n - fixed - broken)
    return before, after


def exact(n, up, down):
    """Exact coverage of the true change, and how often `better` would be claimed, when flips have these chances."""
    covered = claimed = 0.0
    for fixed in range(n + 1):
        for broken in range(n - fixed + 1):
            chance = multinomial.pmf([fixed, broken, n - fixed - broken], n, [up, down, 1 - up - down])
            if chance > 1e-9:
                change = intervals.paired(*flips(n, fixed, broken))
                covered += chance * (change.low <= up - down <= change.high)
                claimed += chance * (change.low > 0)
    return covered, claimed


def test_eighteen_of_twenty_is_ninety_percent_within_seventy_and_ninety_seven():
    share = intervals.rate(18, 20)
    assert (share.value, share.n) == (0.9, 20)
    assert (share.low, share.high) == pytest.approx((0.699, 0.972), abs=5e-4)


def test_no_failure_in_thirty_still_allows_eleven_percent():
    assert intervals.rate(0, 30).high == pytest.approx(0.1135, abs=5e-5)


def test_a_rate_over_nothing_has_no_value_and_could_be_anything():
    nothing = intervals.Rate(value=None, low=0.0, high=1.0, n=0)
    assert intervals.rate(0, 0) == nothing
    assert intervals.mean_rate([]) == nothing


def test_more_successes_than_samples_are_an_error():
    with pytest.raises(ValueError, match="Successes are between"):
        intervals.rate(3, 2)


def test_pass_and_fail_values_get_wilson():
    share = intervals.mean_rate([1, 1, 0, 1])
    assert (share.low, share.high) == pytest.approx(proportion_confint(3, 4, method="wilson"), abs=1e-9)


def test_graded_values_get_the_plus_four_interval_around_their_own_mean():
    # with 0, 0, 1, 1 added: 0.5, 0.5, 0.75, 0.75 have mean 4.5/8 = 0.5625, squares 2.625 + ... = 3.625
    share = intervals.mean_rate([0.5, 0.5, 0.75, 0.75])
    error = math.sqrt((3.625 - 8 * 0.5625**2) / 7 / 8)
    assert share.value == 0.625
    assert (share.low, share.high) == pytest.approx((0.5625 - 1.959964 * error, 0.5625 + 1.959964 * error), abs=1e-6)


def test_graded_values_that_all_agree_are_not_certain():
    share = intervals.mean_rate([0.8] * 20)
    assert share.value == pytest.approx(0.8)
    assert share.low < 0.75
    assert 0.83 < share.high <= 1


def test_fifty_of_ninety_eight_fixed_by_hand():
    # with one +1 and one -1: 100 values, sum 50, squares 52, variance (52 - 25) / 99, error its root / 10
    change = intervals.paired(*flips(98, 50, 0))
    half = norm.ppf(0.975) * math.sqrt(27 / 99) / 10
    assert change.mean == pytest.approx(50 / 98)
    assert (change.low, change.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-12)
    assert (change.fixed, change.broken, change.unchanged, change.n) == (50, 0, 48, 98)


def test_the_interval_is_the_librarys_on_the_differences_and_the_added_pair():
    before, after = np.random.default_rng(1).random((2, 40))
    library = DescrStatsW(np.append(after - before, [1, -1]))
    change = intervals.paired(before, after)
    assert (change.low, change.high) == pytest.approx(library.zconfint_mean(), abs=1e-9)
    assert (change.low_90, change.high_90) == pytest.approx(library.zconfint_mean(alpha=0.1), abs=1e-9)
    one_sided = library.zconfint_mean(alternative="larger")[0], library.zconfint_mean(alternative="smaller")[1]
    assert (change.low_90, change.high_90) == pytest.approx(one_sided, abs=1e-9)
    assert change.p_value == pytest.approx(library.ztest_mean()[1], abs=1e-9)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 30])
@pytest.mark.parametrize("fixed", [0, 1])
@pytest.mark.parametrize("grouping", [None, "one", "own"])
def test_degenerate_sets_have_a_defined_interval(n, fixed, grouping):
    groups = {None: None, "one": ["same"] * n, "own": [str(i) for i in range(n)]}[grouping]
    change = intervals.paired(*flips(n, n * fixed, 0), groups)
    assert change.mean == (fixed if n else None)
    assert -1 <= change.low <= (change.mean or 0) <= change.high <= 1
    assert not any(math.isnan(value) for value in asdict(change).values() if isinstance(value, float))


def test_thirty_unchanged_samples_still_allow_a_loss_of_nine_points():
    # mean 0, variance 2/31, error root(2/31/32)
    assert intervals.paired(*flips(30, 0, 0)).low == pytest.approx(-1.959964 * math.sqrt(2 / 31 / 32), abs=1e-6)


def test_averages_that_differ_by_rounding_only_are_unchanged():
    change = intervals.paired([0.1 + 0.2], [0.3])
    assert (change.fixed, change.broken, change.unchanged) == (0, 0, 1)


@pytest.mark.parametrize("values", [[math.nan], [1.2], [-0.1], [math.inf]])
def test_what_is_not_a_score_is_an_error(values):
    with pytest.raises(ValueError, match="Values lie between 0 and 1"):
        intervals.mean_rate(values)
    with pytest.raises(ValueError, match="Values lie between 0 and 1"):
        intervals.paired([0], values)


def test_before_and_after_of_different_samples_are_an_error():
    with pytest.raises(ValueError, match="the same samples"):
        intervals.paired([0, 1], [1])
    with pytest.raises(ValueError, match="the same samples"):
        intervals.paired([0, 1], [1, 1], ["a"])


@pytest.mark.parametrize(("up", "down"), [(0.02, 0.0), (0.05, 0.05), (0.15, 0.15), (0.2, 0.05)])
def test_the_interval_covers_the_truth_at_least_93_times_in_100(up, down):
    assert exact(40, up, down)[0] >= 0.93


@pytest.mark.parametrize("n", [6, 20, 40])
@pytest.mark.parametrize("flipping", [0.05, 0.2, 0.5])
def test_better_is_claimed_falsely_at_most_3_times_in_100(n, flipping):
    assert exact(n, flipping / 2, flipping / 2)[1] <= 0.03


def test_graded_scores_of_repeats_keep_the_promise_too():
    rng = np.random.default_rng(3)
    ability = rng.beta(2, 2, (400, 60))
    runs = [
        intervals.paired(*(rng.binomial(5, sample, (2, 60)) / 5))
        for sample in ability  # five repeats of each sample, no true change
    ]
    assert np.mean([run.low > 0 for run in runs]) <= 0.03
    assert np.mean([run.low <= 0 <= run.high for run in runs]) >= 0.93


def clustered(rng, sizes, flipping, shared):
    """Changes without a true gain whose latent cause is partly shared by a group, and the groups."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    cause = math.sqrt(shared) * rng.normal(size=len(sizes))[group] + math.sqrt(1 - shared) * rng.normal(size=group.size)
    cut = norm.ppf(flipping / 2)
    return (cause > -cut).astype(float), (cause < cut).astype(float), [str(name) for name in group]


@pytest.mark.parametrize("sizes", [[5] * 6, [5] * 24, [1, 1, 2, 2, 3, 3, 5, 5, 8, 8], [10] * 3])
def test_samples_that_share_a_group_do_not_count_as_independent(sizes):
    rng = np.random.default_rng(5)
    draws = [clustered(rng, sizes, 0.3, 0.5) for _ in range(400)]
    aware = [intervals.paired(down, up, groups).low > 0 for up, down, groups in draws]
    blind = [intervals.paired(down, up).low > 0 for up, down, _ in draws]
    assert np.mean(aware) <= 0.04
    assert np.mean(blind) >= 0.06


def test_groups_of_one_change_nothing():
    before, after = flips(20, 9, 2)
    assert intervals.paired(before, after, [str(i) for i in range(20)]) == intervals.paired(before, after)


def test_one_group_alone_proves_nothing():
    change = intervals.paired([0] * 50, [1] * 50, ["contract 7"] * 50)
    assert (change.low, change.high, change.clusters) == (-1, 1, 1)


def test_every_sample_weighs_the_same_whatever_the_size_of_its_group():
    groups = ["big"] * 8 + [str(i) for i in range(8)]
    assert intervals.paired([0] * 16, [1] * 8 + [0] * 8, groups).mean == 0.5
