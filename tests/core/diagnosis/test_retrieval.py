"""Hit rate, the 2×2 of answers and passages, and the grid of two levers, by numbers checked by hand."""

import pytest

from core.diagnosis import retrieval


def test_hit_rate_and_reciprocal_rank_are_counted_over_the_samples_that_name_a_source():
    found = retrieval.search([1, 2, None, 4])
    assert (found.hits.value, found.hits.n) == (0.75, 4)
    assert found.reciprocal.value == pytest.approx((1 + 1 / 2 + 0 + 1 / 4) / 4)
    assert found.hits.low < 0.75 < found.hits.high
    assert retrieval.search([]).hits.value is None


def samples(**counts):
    """So many samples of each cell."""
    return {f"{cell}{n}": (float(cell.startswith("right")), cell.endswith("there"))
            for cell, count in counts.items() for n in range(count)}  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "place", "says"),
    [
        ({"wrong_there": 18, "wrong_without": 2}, "application", "of 20 wrong answers 90% (70%–97%) had"),
        ({"wrong_there": 2, "wrong_without": 18, "right_there": 5}, "search", "of 20 wrong answers 10% (2.8%–30%) had"),
        ({"wrong_there": 2, "wrong_without": 2}, "not_enough", "Not enough evidence yet"),
        ({"right_there": 7, "right_without": 1}, "not_enough", "No answer is wrong among the 8"),
        ({}, "not_enough", "No sample of this run names its source"),
    ],
)
def test_where_wrong_answers_are_lost_is_decided_by_an_interval(counts, place, says):
    found = retrieval.lost(samples(**counts))
    assert found.place == place
    assert says in str(found.sentence)
    assert {cell: len(names) for cell, names in found.cells.items()} == {
        cell: counts.get(cell, 0) for cell in retrieval.CELLS
    }


def test_a_handful_of_wrong_answers_decides_nothing():
    found = retrieval.lost(samples(wrong_there=5, right_there=20))
    assert found.there_when_wrong.low > 0.5
    assert found.place == "not_enough"


def cell(*right, n=20):
    return [float(place in right) for place in range(n)]


def test_the_grid_tells_each_gain_and_that_two_levers_add_up():
    facts, style = range(10), range(10, 20)
    found = retrieval.grid(
        {"base": cell(), "base_rag": cell(*facts), "tuned": cell(*style), "tuned_rag": cell(*facts, *style)}
    )
    assert (found.retrieval.mean, found.tuning.mean, found.both.mean) == (0.5, 0.5, 1.0)
    assert found.stacks.mean == 0
    assert found.stacks.low < 0 < found.stacks.high
    assert found.stacks.n == 20


def test_levers_that_do_the_same_have_a_difference_of_differences_below_zero():
    all_of_them = range(20)
    found = retrieval.grid(
        {"base": cell(), "base_rag": cell(*all_of_them), "tuned": cell(*all_of_them), "tuned_rag": cell(*all_of_them)}
    )
    assert found.stacks.mean == -1
    assert found.stacks.high < 0


def test_cells_that_were_not_run_are_none():
    found = retrieval.grid({"base": cell(n=8), "base_rag": cell(0, 1, n=8)})
    assert (found.retrieval.n, found.retrieval.mean) == (8, 0.25)
    assert found.tuning is found.stacks is found.both is None
    assert set(found.rates) == {"base", "base_rag"}
