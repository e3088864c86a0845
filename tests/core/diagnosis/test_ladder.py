"""A ladder is called a plateau only when an interval says so."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from core.diagnosis import intervals, ladder


def rungs(n, **passing):
    """Rungs on n samples of which the first so many pass."""
    return {name: [1] * count + [0] * (n - count) for name, count in passing.items()}


def judged(steps, target=0.8, smallest_gain=0.1):
    return ladder.judge(steps, smallest_gain=smallest_gain, target=target)


def test_fifty_to_seventy_is_headroom():
    found = judged(rungs(100, A=40, B=50, C=60, D=72))
    assert found.verdict == "headroom"
    assert str(found.sentence).startswith("40% → 72% on 100 samples: prompting still has headroom. From A to D +32")


def test_a_flat_last_step_below_the_target_is_a_suspected_plateau():
    found = judged(rungs(100, A=30, B=50, C=52, D=53))
    assert found.verdict == "plateau_suspected"
    assert "Stuck at 53% on 100 samples, below the target of 80%" in str(found.sentence)
    assert found.last_two.mean == pytest.approx(0.03)


def test_a_second_flat_attempt_confirms_the_plateau():
    found = judged(rungs(100, A=30, B=50, C=52, D=53, E=53))
    assert found.verdict == "plateau_confirmed"
    assert "consider fine-tuning" in str(found.sentence)


def test_two_flat_steps_among_the_first_four_rungs_only_raise_a_suspicion():
    assert judged(rungs(100, A=50, B=52, C=53, D=53)).verdict == "plateau_suspected"


def test_a_ladder_that_reached_its_target_is_done():
    found = judged(rungs(100, A=60, B=80, C=92, D=93))
    assert found.verdict == "on_target"
    assert "The target of 80% is reached: D scores 93% on 100 samples" in str(found.sentence)


def test_a_prompt_before_the_last_one_reaches_the_target_as_well_and_is_named():
    found = judged(rungs(100, A=50, B=93, C=70, D=70))
    assert found.verdict == "on_target", "nobody is told to go on for the sake of a worse prompt after it"
    assert "B scores 93% on 100 samples" in str(found.sentence)
    assert judged(rungs(100, A=50, B=85, C=70, D=70)).verdict == "plateau_suspected", "85% may be less than 80%"


@pytest.mark.parametrize(
    ("right", "of", "verdict"),
    [(95, 100, "held"), (85, 100, "not_enough"), (60, 100, "fell"), (5, 5, "not_enough"), (0, 0, "not_enough")],
)
def test_the_winner_is_confirmed_on_locked_samples_by_its_interval(right, of, verdict):
    found = ladder.confirm("D", intervals.rate(right, of), 0.8)
    assert found.verdict == verdict
    assert ("On 100 locked samples prompt D" in str(found.sentence)) == (of == 100)
    assert "nan" not in str(found.sentence)


def test_thirty_samples_are_rarely_enough():
    rng = np.random.default_rng(4)
    shares = {"A": 0.5, "B": 0.6, "C": 0.6, "D": 0.62}
    noisy = {name: rng.binomial(1, share, 30).tolist() for name, share in shares.items()}
    found = judged(noisy)
    assert found.verdict == "not_enough"
    assert f"about {found.more} more samples are needed" in str(found.sentence)


def test_nothing_measured_is_not_enough():
    found = judged({"A": [], "B": []})
    assert found.verdict == "not_enough"
    assert str(found.sentence) == "Not enough evidence yet: no samples have been compared."


def test_one_rung_is_no_ladder():
    with pytest.raises(ValueError, match="at least two rungs"):
        judged({"A": [1, 0]})


def test_steps_are_corrected_by_holm_together_with_the_whole_climb():
    found = judged(rungs(60, A=20, B=26, C=27, D=40))
    changes = [*found.steps, found.climb]
    expected = multipletests([change.paired.p_value for change in changes], method="holm")[1]
    assert [change.p_holm for change in changes] == pytest.approx(expected, abs=1e-12)
    assert [(step.start, step.end) for step in changes] == [("A", "B"), ("B", "C"), ("C", "D"), ("A", "D")]


def test_a_step_that_is_better_alone_may_not_be_among_its_sisters():
    # 6 of 60 fixed: p = 0.03 alone
    found = judged(rungs(60, A=20, B=26, C=26, D=26))
    assert found.steps[0].paired.low > 0
    assert not found.steps[0].better


def test_a_rising_ladder_is_seldom_called_a_plateau():
    rng = np.random.default_rng(6)
    called = 0
    for _ in range(60):
        difficulty = rng.normal(size=100)
        noise = rng.normal(size=(4, 100))
        rising = {
            name: ((difficulty + noise[i]) < cut * 2**0.5).astype(float)
            for i, (name, cut) in enumerate(zip("ABCD", (0.0, 0.253, 0.524, 0.842), strict=True))  # .5 .6 .7 .8
        }
        called += judged(rising, target=0.95).verdict == "plateau_suspected"
    assert called / 60 <= 0.1


def test_below_the_number_of_samples_that_was_agreed_there_is_no_verdict():
    steps = rungs(40, A=10, B=20, C=30, D=38)
    found = ladder.judge(steps, smallest_gain=0.1, target=0.8, planned=50)
    assert (found.verdict, found.more) == ("not_enough", 10)
    assert str(found.sentence).startswith("No verdict yet: 50 samples were agreed on before the run, and 40 were")
    assert ladder.judge(steps, smallest_gain=0.1, target=0.8, planned=40).verdict == "on_target"
    assert "nan" not in str(ladder.judge({"A": [], "B": []}, smallest_gain=0.1, target=0.8, planned=50).sentence)
