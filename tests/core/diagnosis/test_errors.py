"""What kind of mistake is made, and whether a change made it rarer: numbers that can be checked by hand."""

import pytest
from statsmodels.stats.multitest import multipletests

from core.diagnosis import errors, intervals, items

NAMES = {"format": "Format", "style": "Style"}


def shares(n, **counts):
    return {kind: intervals.rate(count, n) for kind, count in counts.items()}


def test_an_error_type_is_dominant_only_when_its_lower_bound_is_above_half():
    # Wilson's lower bound for 15 of 20 is 53%, for 13 of 20 it is 43%
    found = errors.judge(shares(20, style=5, format=15), NAMES)
    assert (found.dominant, list(found.shares)) == ("format", ["format", "style"])
    assert str(found.sentence) == (
        "Most of the 20 failed samples fail for one reason, “Format”: 75% of them, 95% interval 53% to 89%."
    )
    assert errors.judge(shares(20, format=13), NAMES).dominant is None
    assert errors.judge(shares(3, format=3), NAMES).dominant is None
    assert str(errors.judge({}, NAMES).sentence).startswith("Not enough evidence yet")


def sides(n, before, after):
    """The first so many of n samples have the mistake before, and the first so many after."""
    return errors.Sides([1] * before + [0] * (n - before), [1] * after + [0] * (n - after), [str(i) for i in range(n)])


def test_fewer_mistakes_are_said_only_of_a_kind_whose_interval_leaves_zero_out():
    found = errors.changes({"style": sides(60, 10, 9), "format": sides(60, 40, 10)})
    assert [(one.kind, one.word) for one in found] == [("format", "fewer"), ("style", "not_enough")]
    # with the added pair 62 values, sum -30, squares 32
    text = str(errors.sentence(found, NAMES))
    assert text.startswith("Fewer mistakes of the kind Format: -50 points on 60 samples, 95% interval -62 to -35.")
    assert errors.changes({"format": sides(60, 10, 40)})[0].word == "more"
    unclear = errors.sentence(errors.changes({"style": sides(60, 10, 9)}), NAMES)
    assert str(unclear).startswith("Not enough evidence yet that any kind of mistake")


def test_kinds_are_corrected_by_holm_for_being_several():
    kinds = {name: sides(60, 20, after) for name, after in (("a", 12), ("b", 14), ("c", 19))}
    found = errors.changes(kinds)
    expected = dict(zip(kinds, multipletests([one.paired.p_value for one in sorted(found, key=lambda one: one.kind)],
                                             method="holm")[1], strict=True))  # fmt: skip
    assert {one.kind: one.p_holm for one in found} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 1), (1, 0), (0, 1)])
def test_few_none_or_unchanging_samples_give_a_sentence_and_no_claim(n, before, after):
    found = errors.changes({"style": sides(n, n * before, n * after)})
    assert found[0].word == "not_enough"
    text = str(errors.sentence(found, NAMES))
    assert text.startswith("Not enough evidence yet")
    assert "nan" not in text


@pytest.mark.parametrize("values", [[], [1.0], [0.5], [0, 1], [1, 1, 1], [0, 0], [0.5, 0.25, 1, 0], [0.8] * 20])
def test_a_rate_from_sums_is_the_rate_of_the_values(values):
    found = intervals.mean_of_sums(len(values), sum(values), sum(value * value for value in values))
    expected = intervals.mean_rate(values)
    assert (found.value, found.n) == (pytest.approx(expected.value), expected.n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_samples_that_tell_nothing_are_told_with_n_and_interval():
    # Wilson for 10 of 40: 14% to 40%; for 3 of 20: 5.2% to 36%
    found = items.judge({"always_pass": 10, "always_fail": 0, "split": 3}, answered=40, judged=20)
    first, second = map(str, found.sentences)
    assert "25% always pass (95% interval 14% to 40%)" in first
    assert second == "Of 20 samples that two or more people judged, 15% split them (95% interval 5.2% to 36%)."
    assert [str(one) for one in items.judge({}, answered=0, judged=0).sentences] == [items.NOTHING]
