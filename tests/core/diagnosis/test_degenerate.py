"""Nothing, one, two; all pass, all fail, all tied, missing: every function says something defined and never nan.
And what the library has is what is shown, to nine digits."""

import itertools

import evalica
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint, samplesize_confint_proportion
from statsmodels.stats.weightstats import DescrStatsW

from core.diagnosis import (
    agreement,
    chances,
    errors,
    guide,
    intervals,
    items,
    ladder,
    model_gap,
    pairwise,
    probe,
    sample_size,
    verdicts,
)

AGREED = {"margin": 0.1, "smallest_gain": 0.1}
SIDES = [(0, 0), (1, 1), (0, 1), (1, 0), (0.5, 0.5)]


def defined(*sentences):
    for text in map(str, sentences):
        assert text.strip()
        assert "nan" not in text
        assert "%(" not in text
        assert "None" not in text


@pytest.mark.parametrize("n", [0, 1, 2, 7, 50])
@pytest.mark.parametrize(("old", "new"), SIDES)
def test_every_comparison_of_the_same_everywhere_has_a_sentence(n, old, new):
    before, after = [old] * n, [new] * n
    main = verdicts.compare(before, after, **AGREED)
    proof = verdicts.gate(main, verdicts.compare(before, before, **AGREED))
    steps = {"A": before, "B": before, "C": after, "D": after}
    climbed = ladder.judge(steps, smallest_gain=0.1, target=0.8)
    gap = model_gap.judge({"small": before, "large": after}, base="small", target=0.8)
    probed = probe.judge({str(i): (old, new) for i in range(n)}, target=0.8)
    changed = errors.changes({"style": errors.Sides(before, after, [str(i) for i in range(n)])})
    found = [main, proof, climbed, gap, probed]
    defined(*(one.sentence for one in found), errors.sentence(changed, {}))
    if n < verdicts.FEWEST:
        assert main.headline == "not_enough"
        assert climbed.verdict == gap.verdict == probed.verdict == changed[0].word == "not_enough"
        assert not proof.passed


@pytest.mark.parametrize("values", [[], [1], [-1], [0], [1, -1], [0, 0], [1] * 7, [-1] * 7, [0] * 7])
def test_preferences_of_any_number_have_a_sentence(values):
    votes = [pairwise.Vote(sample=str(i), left="new", right="old", value=v) for i, v in enumerate(values)]
    defined(pairwise.duel(votes, "new", "old").sentence)
    ranked = pairwise.rank(votes)
    assert ranked.standings == () or all(0 <= one.chance <= 1 for one in ranked.standings)
    assert ranked.doubt is None or str(ranked.doubt)


@pytest.mark.parametrize(
    "ratings",
    [
        [],
        [{}],
        [{"a": 1}],
        [{"a": 1, "b": 1}],
        [{"a": 1, "b": 0}],
        [{"a": 1, "b": 1}, {"a": 0, "b": 0}],
        [{"a": 1, "b": 0}, {"a": 0, "b": 1}],
        [{"a": 1, "b": 1}] * 30,
        [{"a": 0, "b": 0}] * 30,
        [{"a": 1, "b": 0}] * 30,
        [{"a": 1}, {"b": 0}] * 10,
    ],
)
@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_any_ratings_have_a_sentence_and_an_interval_or_a_reason(ratings, level):
    found = agreement.measure(ratings, [str(i) for i in range(len(ratings))], level=level)
    defined(found.sentence)
    assert (found.value is None) == (found.problem in ("no_overlap", "no_variation"))
    assert found.value is None or found.low <= found.value <= found.high


def test_nothing_named_nothing_answered_and_nothing_counted_have_a_sentence():
    defined(errors.judge({}, {}).sentence, errors.sentence([], {}), guide.weigh({}).sentence)
    defined(errors.judge({"style": intervals.rate(0, 3)}, {}).sentence)
    for counts, answered, judged in itertools.product(({}, {"always_pass": 1, "split": 1}), (1, 2), (1, 2)):
        defined(*items.judge(counts, answered=answered, judged=judged).sentences)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_plan_of_almost_no_samples_promises_nothing(n):
    found = [chances.better(n, 0.3), chances.harmless(n, 0.1), chances.climb(n, 0.3, 5), chances.plateau(n, 0.1)]
    assert found == [0.0] * 4
    assert chances.smallest_visible(n) is None


def test_rates_differences_and_corrections_are_the_librarys():
    rng = np.random.default_rng(9)
    for n, share in ((1, 0.0), (2, 0.5), (30, 0.9), (200, 0.03)):
        passes = round(n * share)
        found = intervals.rate(passes, n)
        assert (found.low, found.high) == pytest.approx(proportion_confint(passes, n, method="wilson"), abs=1e-9)
        before, after = rng.random((2, n))
        library = DescrStatsW(np.append(after - before, [1, -1]))
        change = intervals.paired(before, after)
        assert (change.low, change.high) == pytest.approx(np.clip(library.zconfint_mean(), -1, 1), abs=1e-9)
        assert change.p_value == pytest.approx(library.ztest_mean()[1], abs=1e-9)
    p_values = list(rng.random(7) ** 3)
    assert intervals.holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-9)
    assert intervals.holm([]) == []


def test_samples_that_are_missing_are_those_of_the_librarys_power():
    found = intervals.paired([0] * 12 + [1] * 38, [1] * 10 + [0] * 2 + [1] * 30 + [0] * 8)
    power = TTestPower()
    needed = power.solve_power(effect_size=0.1 / found.sd, alpha=0.05, power=0.8, alternative="two-sided")
    assert sample_size.more_samples(found, smallest_gain=0.1) == np.ceil(1.1 * needed) - 50
    needed = power.solve_power(effect_size=0.1 / found.sd, alpha=0.05, power=0.8, alternative="larger")
    assert sample_size.more_to_show_plateau(found, 0.1 + found.mean) == np.ceil(1.1 * needed) - 50
    needed = samplesize_confint_proportion(0.7, 0.1, method="normal")
    assert sample_size.more_for_rate(intervals.rate(21, 30), 0.8) == np.ceil(1.1 * needed) - 30
    spread = np.sqrt(chances.NOISE * (1 + 4 * chances.REPEATS_ALIKE) / 5)
    expected = power.power(0.1 / spread, 50 / 1.1, 0.05, alternative="larger")
    assert chances.plateau(50, 0.1, 5) == pytest.approx(float(expected), abs=1e-9)


def test_strengths_and_agreement_are_the_librarys():
    votes = [pairwise.Vote(sample=str(i), left="ab"[i % 2], right="bc"[i % 2], value=(1, 0, -1, 1)[i % 4])
             for i in range(40)]  # fmt: skip
    votes += [pairwise.Vote(sample=f"s{i}", left="a", right="c", value=(1, -1, 1)[i % 3]) for i in range(30)]
    winners = {1: evalica.Winner.X, 0: evalica.Winner.Draw, -1: evalica.Winner.Y}
    library = evalica.bradley_terry(
        [one.left for one in votes], [one.right for one in votes], [winners[one.value] for one in votes]
    ).scores
    order = [one.version for one in pairwise.rank(votes).standings]
    assert order == list(library.sort_values(ascending=False).index)
    table = np.random.default_rng(2).integers(0, 2, (3, 60)).astype(float)
    columns = [{str(rater): float(table[rater, unit]) for rater in range(3)} for unit in range(60)]
    found = agreement.measure(columns, [str(unit) for unit in range(60)])
    assert found.value == pytest.approx(evalica.alpha(pd.DataFrame(table)).alpha, abs=1e-9)


def test_a_rate_that_was_added_up_has_the_normal_interval_of_the_plus_four_rule():
    values = np.array([0.2, 0.4, 0.4, 0.9, 1.0])
    plus = np.append(values, [0, 0, 1, 1])
    half = norm.ppf(0.975) * DescrStatsW(plus).std_mean
    found = intervals.mean_of_sums(5, values.sum(), (values**2).sum())
    assert (found.low, found.high) == pytest.approx((plus.mean() - half, min(1, plus.mean() + half)), abs=1e-9)
