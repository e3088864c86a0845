"""The six verdicts, the proof over two sets, and the sentences that say them."""

import numpy as np
import pytest

from core.diagnosis import sample_size, verdicts


def compared(n, fixed, broken, **agreed):
    kept = n - fixed - broken
    return verdicts.compare([0] * fixed + [1] * broken + [1] * kept, [1] * fixed + [0] * broken + [1] * kept, **agreed)


@pytest.mark.parametrize(
    ("flips", "agreed", "holds", "headline"),
    [
        ((100, 30, 5), {}, {"better"}, "better"),
        ((100, 5, 30), {"margin": 0.1}, {"worse"}, "worse"),
        ((300, 3, 3), {"margin": 0.1}, {"same", "nothing_broke"}, "same"),
        ((300, 20, 12), {"smallest_gain": 0.1}, {"plateau"}, "plateau"),
        ((50, 7, 2), {"margin": 0.1}, {"nothing_broke"}, "nothing_broke"),
        ((30, 5, 3), {"margin": 0.05, "smallest_gain": 0.05}, {"not_enough"}, "not_enough"),
    ],
)
def test_each_rule_gives_its_verdict(flips, agreed, holds, headline):
    comparison = compared(*flips, **agreed)
    assert set(comparison.verdicts) == holds
    assert comparison.headline == headline


def test_what_was_not_agreed_before_cannot_hold():
    assert compared(300, 3, 3).verdicts == ("not_enough",)


def test_a_real_gain_smaller_than_agreed_is_better_and_a_plateau():
    comparison = compared(500, 20, 5, smallest_gain=0.1)
    assert comparison.verdicts == ("better", "plateau")


def test_five_of_five_fixed_are_too_few_to_claim_anything():
    assert compared(5, 5, 0).verdicts == ("not_enough",)
    assert compared(6, 6, 0).verdicts == ("better",)


def test_a_margin_beyond_the_scale_is_an_error():
    with pytest.raises(ValueError, match="lie between 0 and 1"):
        compared(10, 1, 1, margin=0)
    with pytest.raises(ValueError, match="lie between 0 and 1"):
        compared(10, 1, 1, smallest_gain=10)


def test_nothing_compared_says_so():
    comparison = verdicts.compare([], [], margin=0.1)
    assert comparison.headline == "not_enough"
    assert str(comparison.sentence) == "Not enough evidence yet: no samples have been compared."


def test_a_sentence_carries_n_gain_and_interval():
    # with the added pair: 100 values, sum 50, squares 52: 0.5 +- 1.96 x 0.0522
    assert str(compared(98, 50, 0).sentence) == "Better on 98 samples: +51 points, 95% interval +40 to +60."


@pytest.mark.parametrize("flips", [(100, 30, 5), (100, 5, 30), (300, 3, 3), (300, 20, 14), (50, 7, 2), (30, 5, 3)])
def test_every_verdicts_sentence_can_be_filled_in(flips):
    text = str(compared(*flips, margin=0.1, smallest_gain=0.1).sentence)
    assert f"on {flips[0]} samples" in text
    assert "interval" in text
    assert "%(" not in text
    assert "%%" not in text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.414, "+41"),
        (-0.1, "-10"),
        (0.05, "+5"),
        (0.0412, "+4.1"),
        (0.004, "+0.4"),
        (0.0003, "+0.03"),
        (-0.00004, "-0.004"),
        (0.0, "0"),
        (1.0, "+100"),
        (0.0996, "+10"),
    ],
)
def test_points_never_round_a_change_to_zero(share, text):
    assert verdicts.points(share) == text


MARGIN = {"margin": 0.1}


@pytest.mark.parametrize(
    ("main", "retain", "verdict", "says"),
    [
        ((100, 30, 5), (200, 3, 3), "better", "nothing else broke on 200 retain samples: 0 points"),
        ((100, 30, 5), (100, 2, 30), "broke", "but something broke on 100 retain samples: -28 points"),
        ((100, 30, 5), (30, 2, 3), "unproven", "more retain samples are needed"),
        ((100, 30, 5), None, "unproven", "whether anything else broke was not measured"),
        ((100, 5, 30), (200, 3, 3), "worse", "Worse on 100 gate samples: -25 points"),
        ((300, 3, 3), (200, 3, 3), "no_gain", "No gain worth having on 300 gate samples"),
        ((40, 6, 3), (200, 3, 3), "not_enough", "more gate samples are needed"),
        ((40, 6, 3), None, "not_enough", "more gate samples are needed"),
        ((40, 6, 3), (100, 2, 30), "worse", "and something broke on 100 retain samples"),
    ],
)
def test_the_proof_needs_a_gain_and_an_unbroken_rest(main, retain, verdict, says):
    proof = verdicts.gate(compared(*main, **MARGIN), retain and compared(*retain, **MARGIN))
    assert proof.verdict == verdict
    assert says in str(proof.sentence)
    assert proof.passed == (verdict == "better")


def test_a_loss_inside_the_agreed_margin_does_not_stop_the_proof():
    retain = compared(600, 2, 20, **MARGIN)
    assert {"worse", "nothing_broke"} <= set(retain.verdicts)
    assert verdicts.gate(compared(100, 30, 5), retain).passed


def test_a_retain_set_without_an_agreed_margin_proves_nothing():
    assert verdicts.gate(compared(100, 30, 5), compared(200, 3, 3)).verdict == "unproven"


def test_an_empty_gate_set_is_no_evidence():
    assert verdicts.gate(verdicts.compare([], []), None).verdict == "not_enough"


def test_thirty_samples_with_ten_points_gained_need_about_a_hundred_and_fifty():
    # 6 fixed, 3 broken of 30; the exact tables give 160 to 240 in all for a gain of 10 at 5% to 10% broken
    more = compared(30, 6, 3).more
    assert 130 <= 30 + more <= 300


def test_a_quiet_pilot_is_planned_for_one_flip_in_ten():
    # sd = root(0.10 - 0.1^2) = 0.3 > the pilot's, effect 1/3: 1.1 x 72.6 = 80
    quiet = compared(1000, 0, 0, smallest_gain=0.1).paired
    assert quiet.sd < 0.1
    nothing = verdicts.compare([], []).paired
    assert sample_size.more_samples(nothing, smallest_gain=0.1) == 89  # sd root(0.10), effect 0.316
    assert sample_size.more_samples(quiet, smallest_gain=0.1) is None


def test_no_gain_to_show_gives_no_number():
    assert compared(50, 3, 3).more is None
    assert compared(50, 3, 8).more is None


def test_the_advised_number_gives_the_promised_power():
    # 20% fixed and 5% broken: the advised n from a typical pilot should show it about 4 times in 5
    rng = np.random.default_rng(2)
    n = 40 + compared(40, 8, 2).more
    shown = 0
    for fixed, broken, _ in rng.multinomial(n, [0.2, 0.05, 0.75], 400):
        shown += "better" in compared(n, fixed, broken).verdicts
    assert 0.72 <= shown / 400 <= 0.95
