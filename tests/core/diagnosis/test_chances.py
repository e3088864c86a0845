"""What a plan promises before the run, held against the reference tables and against simulated runs."""

import numpy as np
import pytest

from core.diagnosis import chances, intervals, verdicts


@pytest.mark.parametrize(
    ("gain", "needed"),
    [(0.10, (104, 160, 240)), (0.15, (64, 84, 118)), (0.20, (40, 56, 76)), (0.30, (26, 32, 40))],
)
def test_the_samples_needed_for_a_gain_are_those_of_the_reference_table(gain, needed):
    for broken, expected in zip((0.02, 0.05, 0.10), needed, strict=True):
        assert chances.samples_for(gain, broken) == pytest.approx(expected, rel=0.13)


@pytest.mark.parametrize(
    ("n", "margin", "expected"),
    [(50, 0.05, 0.21), (100, 0.05, 0.44), (200, 0.05, 0.71), (300, 0.05, 0.86), (50, 0.1, 0.64), (100, 0.1, 0.92)],
)
def test_the_chance_that_an_equal_model_passes_is_that_of_the_reference_table(n, margin, expected):
    assert chances.harmless(n, margin) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("gate", "retain", "yes"), [(50, 50, 0.35), (80, 100, 0.72), (120, 150, 0.91), (200, 200, 0.99)]
)
def test_the_chance_of_a_yes_is_that_of_the_reference_table(gate, retain, yes):
    assert chances.proof(gate, retain, 0.15, 0.1) == pytest.approx(yes, abs=0.01)


def test_a_plan_without_a_gain_hardly_ever_gives_a_yes():
    assert chances.proof(200, 200, 0.0, 0.1) <= 0.025


@pytest.mark.parametrize(("n", "gain"), [(30, 0.34), (50, 0.23), (80, 0.165), (100, 0.145), (200, 0.09), (500, 0.05)])
def test_the_smallest_visible_gain_is_that_of_the_reference_table(n, gain):
    assert chances.smallest_visible(n) == pytest.approx(gain, abs=0.031)


@pytest.mark.parametrize(
    ("n", "goal", "repeats", "declared"),
    [
        (50, 0.05, 1, 0.16),
        (100, 0.05, 1, 0.28),
        (200, 0.05, 1, 0.42),
        (50, 0.10, 1, 0.40),
        (100, 0.10, 1, 0.69),
        (200, 0.10, 1, 0.91),
        (30, 0.10, 5, 0.50),
        (50, 0.10, 5, 0.78),
        (100, 0.10, 5, 0.98),
    ],
)
def test_the_chance_to_recognise_a_plateau_is_near_the_reference_simulation(n, goal, repeats, declared):
    assert chances.plateau(n, goal, repeats) == pytest.approx(declared, abs=0.08)


def test_the_exact_chance_is_what_a_simulation_of_the_verdict_finds():
    rng = np.random.default_rng(8)
    shown = 0
    for fixed, broken, kept in rng.multinomial(60, [0.2, 0.05, 0.75], 600):
        before, after = [0] * fixed + [1] * (broken + kept), [1] * fixed + [0] * broken + [1] * kept
        shown += "better" in verdicts.compare(before, after).verdicts
    assert shown / 600 == pytest.approx(chances.better(60, 0.15), abs=0.05)


def test_the_bounds_behind_the_chances_are_the_verdicts_own():
    found = intervals.paired([0] * 9 + [1] * 31, [1] * 9 + [0] * 4 + [1] * 27)
    mean, error = chances._moments(40, np.array(9.0), np.array(4.0))
    assert (mean - 1.959963984540054 * error, mean - 1.6448536269514722 * error) == pytest.approx(
        (found.low, found.low_90), abs=1e-9
    )


def test_too_few_samples_promise_nothing():
    for n in range(chances.FEWEST):
        assert chances.better(n, 0.5) == chances.harmless(n, 0.1) == chances.plateau(n, 0.1) == 0
    assert chances.smallest_visible(3) is None
    assert chances.samples_for(0.001) is None
