import numpy as np
import pytest

from core.diagnosis import intervals, pairwise
from core.diagnosis.pairwise import Vote


def votes(left, right, values, start=0):
    return [
        Vote(sample=str(start + number), left=left, right=right, value=value) for number, value in enumerate(values)
    ]


def test_wins_ties_and_losses_are_counted_for_the_new_version_whatever_side_it_was_on():
    found = pairwise.duel([*votes("new", "old", [1, 1, 0, -1]), *votes("old", "new", [1, -1], 4)], "new", "old")
    assert (found.wins, found.ties, found.losses) == (3, 1, 2)
    assert found.paired.mean == pytest.approx(1 / 6)


def test_the_interval_is_the_one_of_all_paired_differences():
    values = [1] * 31 + [0] * 5 + [-1] * 12
    found = pairwise.duel(votes("new", "old", values), "new", "old")
    same = intervals.paired([0.0 if v > 0 else float(v < 0) for v in values], [float(v > 0) for v in values])
    assert (found.paired.low, found.paired.high) == (pytest.approx(same.low), pytest.approx(same.high))
    assert found.outcome == "preferred"
    assert str(found.sentence).startswith("Preferred on 48 samples: 31 wins, 5 ties, 12 losses; wins less losses")


def test_several_raters_of_one_sample_are_one_observation():
    one = pairwise.duel([Vote(sample="s", left="new", right="old", value=v) for v in (1, 1, -1)], "new", "old")
    assert (one.paired.n, one.wins) == (1, 1)
    assert one.paired.mean == pytest.approx(1 / 3)


def test_few_samples_prove_nothing_and_none_prove_less():
    assert pairwise.duel(votes("new", "old", [1] * 5), "new", "old").outcome == "open"
    assert pairwise.duel(votes("new", "old", [-1] * 30), "new", "old").outcome == "beaten"
    nothing = pairwise.duel([], "new", "old")
    assert nothing.outcome == "nothing"
    assert str(nothing.sentence).startswith("Not enough evidence yet")


def test_strengths_of_three_versions_are_those_of_the_votes():
    # a beats b twice as often as b beats a, and so on down: odds 2, 2 and 4 fit exactly, strengths 2 : 1 : 0.5
    made = [*votes("a", "b", [1, 1, -1] * 20), *votes("b", "c", [1, 1, -1] * 20, 60)]
    made += votes("a", "c", [1, 1, 1, 1, -1] * 12, 120)
    found = pairwise.rank(made)
    assert [one.version for one in found.standings] == ["a", "b", "c"]
    assert [one.chance for one in found.standings] == pytest.approx([2 / 3, 1 / 2, 1 / 3], abs=1e-3)
    assert all(one.low < one.chance < one.high for one in found.standings)
    assert (found.doubt, found.samples) == (None, 180)


def test_sides_do_not_matter_and_ties_are_half_a_win_each():
    made = [*votes("a", "b", [1, 0, -1] * 10), *votes("b", "c", [0] * 30, 30), *votes("c", "a", [1, -1] * 15, 60)]
    assert [one.chance for one in pairwise.rank(made).standings] == pytest.approx([0.5] * 3, abs=1e-3)


def test_a_version_that_won_everything_gets_no_place_but_a_sentence():
    made = [*votes("a", "b", [1] * 20), *votes("b", "c", [1, -1] * 10, 20), *votes("a", "c", [1] * 20, 40)]
    found = pairwise.rank(made)
    assert found.standings == ()
    assert str(found.doubt).startswith("No order can be given")


def test_an_order_that_hangs_on_one_sample_has_no_interval():
    made = [*votes("a", "b", [1] * 19 + [-1]), *votes("b", "c", [1, -1] * 10, 20), *votes("a", "c", [1] * 20, 40)]
    found = pairwise.rank(made)
    assert [one.low for one in found.standings] == [None] * 3
    assert str(found.doubt).startswith("The order hangs on a few samples")


def test_more_votes_make_the_interval_narrower():
    rng = np.random.default_rng(1)

    def width(n):
        made = [vote for pair in ("ab", "bc", "ac") for vote in votes(*pair, list(rng.choice([1, -1], n)))]
        return max(one.high - one.low for one in pairwise.rank(made).standings)

    assert width(150) < width(15)
