"""A weak model, or a badly defined task?"""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from core.diagnosis import model_gap


def judged(n=60, base="small", target=0.8, **right):
    """Models on n samples of which the first so many are right."""
    values = {name: [1.0] * count + [0.0] * (n - count) for name, count in right.items()}
    return model_gap.judge(values, base=base, target=target)


@pytest.mark.parametrize(
    ("right", "verdict"),
    [
        ({"small": 20, "large": 57}, "capability_gap"),
        ({"small": 10, "large": 20}, "all_weak"),
        ({"small": 57, "large": 58}, "target_fine"),
        ({"small": 20, "large": 50}, "not_enough"),
        ({"small": 40, "large": 44}, "not_enough"),
    ],
)
def test_each_table_of_models_gives_its_verdict(right, verdict):
    assert judged(**right).verdict == verdict


def test_all_weak_needs_the_best_models_upper_bound_below_the_target():
    # Wilson's upper bound for 41 of 60 is 78.7%, for 42 of 60 it is 80.1%
    assert judged(small=10, large=41).verdict == "all_weak"
    assert judged(small=10, large=42).verdict == "not_enough"


def test_the_sentence_tells_both_models_with_n_and_interval():
    text = str(judged(small=20, large=57).sentence)
    assert "on the same 60 samples large is right in 95%" in text
    assert "and small in 33%" in text
    assert "+62 points between them" in text


def test_differences_are_corrected_by_holm_over_all_models():
    found = judged(a=20, b=24, c=31, small=20)
    p = [one.paired.p_value for one in found.against.values()]
    expected = multipletests(p, method="holm")[1]
    assert [one.p_holm for one in found.against.values()] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_too_few_samples_never_decide(n):
    found = judged(n=n, small=0, large=n)
    assert found.verdict == "not_enough"
    assert "nan" not in str(found.sentence)


def test_one_model_is_no_comparison():
    with pytest.raises(ValueError, match="at least two models"):
        judged(small=3)


def test_equal_models_are_seldom_called_a_capability_gap():
    rng = np.random.default_rng(3)
    called = 0
    for _ in range(200):
        models = {name: rng.binomial(1, 0.75, 60).astype(float) for name in ("small", "a", "b", "c")}
        called += model_gap.judge(models, base="small", target=0.7).verdict == "capability_gap"
    assert called / 200 <= 0.025
