"""Simulated models with a known truth: how often each verdict is given, against the reference simulations.

A sample has a difficulty, an answer has noise (probit), so that two equal prompts differ on about 23% of the samples.
"""

import numpy as np
import pytest
from scipy.stats import norm

from core.diagnosis import ladder, verdicts

RUNS = 120


def answers(rng, n, truths, repeats=1):
    """Per-sample values for models that are right with those probabilities on average, on the same samples."""
    difficulty = rng.normal(size=n)
    noise = rng.normal(scale=0.5, size=(len(truths), repeats, n))
    cuts = norm.ppf(truths) * np.sqrt(1.25)
    return ((difficulty + noise) < np.reshape(cuts, (-1, 1, 1))).mean(axis=1)


def share_of(rng, n, truths, word, *, goal=0.1, repeats=1, target=0.95):
    found = 0
    for _ in range(RUNS):
        rungs = dict(zip("ABCD", answers(rng, n, truths, repeats), strict=True))
        found += ladder.judge(rungs, smallest_gain=goal, target=target).verdict == word
    return found / RUNS


@pytest.mark.parametrize(("n", "repeats", "declared"), [(50, 1, 0.40), (100, 1, 0.69), (50, 5, 0.78)])
def test_a_flat_ladder_is_called_a_plateau_as_often_as_promised(n, repeats, declared):
    found = share_of(np.random.default_rng(1), n, (0.50, 0.52, 0.52, 0.52), "plateau_suspected", repeats=repeats)
    assert found == pytest.approx(declared, abs=0.17)


@pytest.mark.parametrize("repeats", [1, 5])
def test_a_rising_ladder_is_seldom_called_a_plateau(repeats):
    found = share_of(np.random.default_rng(2), 50, (0.5, 0.6, 0.7, 0.8), "plateau_suspected", repeats=repeats)
    assert found <= 0.09


def test_a_rising_ladder_on_enough_samples_has_headroom():
    found = share_of(np.random.default_rng(3), 150, (0.5, 0.6, 0.7, 0.8), "headroom", repeats=5)
    assert found >= 0.8


def proofs(rng, gate, retain):
    """How often before and after pass the gate; each side is (truth before, truth after)."""
    passed = 0
    for _ in range(RUNS):
        sides = [verdicts.compare(*answers(rng, n, truths), margin=0.1) for n, truths in ((120, gate), (150, retain))]
        passed += verdicts.gate(*sides).passed
    return passed / RUNS


def test_an_equal_model_hardly_ever_passes():
    assert proofs(np.random.default_rng(4), (0.6, 0.6), (0.9, 0.9)) <= 0.04


def test_fifteen_points_gained_and_nothing_lost_usually_pass():
    assert proofs(np.random.default_rng(5), (0.6, 0.75), (0.9, 0.9)) >= 0.7


def test_fifteen_points_gained_and_ten_lost_elsewhere_hardly_ever_pass():
    assert proofs(np.random.default_rng(6), (0.6, 0.75), (0.9, 0.8)) <= 0.08


def test_leaked_gate_samples_make_an_equal_model_look_better_which_is_why_they_are_kept_out():
    rng, better = np.random.default_rng(7), {0.0: 0, 0.2: 0}
    for leaked in better:
        for _ in range(RUNS):
            before, after = answers(rng, 100, (0.6, 0.6))
            after[: round(100 * leaked)] = 1.0
            better[leaked] += "better" in verdicts.compare(before, after).verdicts
    assert better[0.0] / RUNS <= 0.05
    assert better[0.2] / RUNS >= 0.15
