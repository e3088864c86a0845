"""How much of the gap a student closes, and when nothing can be said."""

import pytest

from core.diagnosis import gap_share

ALONE = [f"g{n}" for n in range(40)]


def shares(right: int, count: int = 40) -> list[float]:
    return [1.0] * right + [0.0] * (count - right)


def test_a_student_half_way_closes_half_of_the_gap():
    """Base 0 of 40, student 20, teacher 40."""
    found = gap_share.measure(shares(0), shares(20), shares(40), ALONE)
    assert (found.outcome, found.share, found.n) == ("closes", 0.5, 40)
    # the standard error of 20 in 40 is 0.08, a bit more with the added pair
    assert found.low == pytest.approx(0.5 - 1.96 * 0.085, abs=0.03)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.085, abs=0.03)
    assert str(found.sentence).startswith("The student closes 50% of the gap to the teacher on 40 samples")


def test_a_student_who_follows_everywhere_is_not_certain_to_do_so_for_ever():
    found = gap_share.measure(shares(0), shares(30), shares(30), ALONE)
    assert found.share == 1.0
    assert found.low < 0.97


def test_without_a_gap_there_is_no_share():
    found = gap_share.measure(shares(20), shares(30), shares(22), ALONE)
    assert (found.outcome, found.share) == ("no_gap", None)
    assert "no gap to close: +5 points on 40 samples" in str(found.sentence)


def test_few_samples_are_not_enough_evidence():
    found = gap_share.measure(shares(0, 5), shares(3, 5), shares(5, 5), ALONE[:5])
    assert found.outcome == "no_gap"


def test_a_small_gain_is_not_enough_and_a_loss_says_so():
    small = gap_share.measure(shares(10), shares(12), shares(40), ALONE)
    assert (small.outcome, round(small.share, 3)) == ("open", 0.067)
    assert str(small.sentence).startswith("Not enough evidence yet: 7%")
    lost = gap_share.measure(shares(20), shares(2), shares(40), ALONE)
    assert (lost.outcome, lost.share) == ("widens", -0.9)


def test_samples_of_a_group_count_once_for_the_interval():
    grouped = [f"g{n // 4}" for n in range(40)]
    alone = gap_share.measure(shares(0), shares(20), shares(40), ALONE)
    together = gap_share.measure(shares(0), shares(20), shares(40), grouped)
    assert together.share == alone.share
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_the_same_answers_give_the_same_interval():
    one, two = (gap_share.measure(shares(0), shares(17), shares(33), ALONE) for _ in range(2))
    assert (one.low, one.high) == (two.low, two.high)
