import evalica
import numpy as np
import pandas as pd
import pytest

from core.diagnosis import agreement


def measure(columns, **more):
    """Each column is what one rater said of answers 0, 1, 2...; None is an answer that they did not judge."""
    ratings = [
        {f"rater {number}": value for number, value in enumerate(one) if value is not None}
        for one in zip(*columns, strict=True)
    ]
    return agreement.measure(ratings, [f"sample {number}" for number in range(len(ratings))], **more)


def test_alpha_of_three_raters_on_four_answers():
    # observed disagreement 1/6, expected 70/132
    found = measure([[1, 0, 1, 0], [1, 0, 1, 0], [1, 0, 1, 1]])
    assert found.value == pytest.approx(1 - (1 / 6) / (70 / 132))
    assert found.n == 4
    assert found.raw.value == pytest.approx((1 + 1 + 1 + 1 / 3) / 4)


def test_krippendorffs_published_example_of_twelve_units_and_four_observers():
    # Krippendorff (2011), "Computing Krippendorff's alpha-reliability": nominal 0.743, ordinal 0.815
    columns = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    assert measure(columns).value == pytest.approx(0.743, abs=0.001)
    assert measure(columns, level="ordinal").value == pytest.approx(0.815, abs=0.001)


def test_points_that_are_one_apart_agree_in_order_and_not_by_name():
    first = [1, 2, 3, 4, 5] * 10
    second = [2, 2, 3, 4, 4] * 10
    assert measure([first, second], level="ordinal").value > measure([first, second]).value + 0.2


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_alpha_is_the_librarys_with_missing_ratings_too(level):
    rng = np.random.default_rng(5)
    table = rng.integers(1, 6, (4, 50)).astype(float)
    table[rng.random(table.shape) < 0.3] = np.nan
    columns = [[None if np.isnan(value) else value for value in rater] for rater in table]
    expected = evalica.alpha(pd.DataFrame(table), distance=level).alpha
    assert measure(columns, level=level).value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_the_resamples_are_alphas_too(level):
    # all resamples of one answer that occurs many times are the same table: its alpha, however drawn
    rng = np.random.default_rng(3)
    columns = [list(rng.integers(1, 6, 60)) for _ in range(2)]
    found = measure(columns, level=level)
    tables = np.zeros((1, 5, 5))
    for a, b in zip(*columns, strict=True):
        tables[0, a - 1, b - 1] += 1
        tables[0, b - 1, a - 1] += 1
    assert agreement._alphas(tables, level)[0] == pytest.approx(found.value)


def test_with_thirty_answers_the_interval_is_wide_and_with_three_hundred_narrow():
    # true agreement 0.6 shows as 0.28 to 0.90 on 30 answers
    rng = np.random.default_rng(1)

    def width(n):
        first = rng.integers(0, 2, n)
        second = np.where(rng.random(n) < 0.2, 1 - first, first)
        found = measure([list(first), list(second)])
        assert found.low <= found.value <= found.high
        return found.high - found.low

    assert width(30) > 0.4
    assert width(300) < 0.3


def test_raters_who_never_differ_on_few_answers_are_not_certain_to():
    found = measure([[1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0]])
    assert found.value == 1
    assert found.low < 0.7


def test_several_answers_to_one_sample_are_one_observation():
    ratings = [{"a": value, "b": value if number % 4 else 1 - value} for number, value in enumerate([0, 1] * 20)]
    alone = agreement.measure(ratings, [str(number) for number in range(40)])
    together = agreement.measure(ratings, [str(number // 10) for number in range(40)])
    assert together.value == alone.value
    assert together.raw.n == 4
    assert alone.raw.n == 40


def test_when_nothing_varies_there_is_no_alpha_and_the_sentence_says_so():
    found = measure([[1, 1, 1], [1, 1, 1]])
    assert (found.value, found.problem, found.n) == (None, "no_variation", 3)
    assert str(found.sentence).startswith("No variation: all 3 double-rated answers")


def test_when_almost_everything_passes_alpha_is_not_held_against_the_raters():
    # 92 of 100 agree and 96% of the ratings pass; alpha is low all the same
    found = measure([[1] * 96 + [0] * 4, [0] * 4 + [1] * 96])
    assert found.value < 0
    assert found.problem == "one_sided"
    assert "agreement cannot be judged from these 100 answers" in str(found.sentence)
    assert "92%" in str(found.sentence)


def test_without_double_rated_answers_there_is_nothing_to_measure():
    found = agreement.measure([{"a": 1}, {"b": 0}, {}], ["x", "y", "z"])
    assert (found.value, found.problem, found.n) == (None, "no_overlap", 0)
    assert str(found.sentence) == "Not enough evidence yet: no answer has been judged by two people."


def test_the_words_follow_the_interval_and_not_the_point():
    rng = np.random.default_rng(2)
    first = list(rng.integers(0, 2, 400))
    assert str(measure([first, first]).sentence).startswith("Raters agree reliably")
    noise = list(rng.integers(0, 2, 400))
    assert str(measure([first, noise]).sentence).startswith("Raters do not agree well enough")
    few = measure([[0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 0]])
    assert str(few.sentence).startswith("Not enough evidence yet")
