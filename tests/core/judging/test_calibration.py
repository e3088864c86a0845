import pytest
from scipy.stats import spearmanr
from statsmodels.stats.proportion import proportion_confint

from core.judging import calibration
from core.judging.calibration import Label


def labelled(counts):
    """One sample per answer; counts by (human, judge)."""
    return {(Label(human, judge),): count for (human, judge), count in counts.items()}


def test_tpr_and_tnr_have_wilson_intervals():
    found = calibration.calibrate(labelled({(True, True): 36, (True, False): 4, (False, False): 14, (False, True): 6}))
    assert (found.tpr.value, found.tpr.n) == (0.9, 40)
    assert (found.tpr.low, found.tpr.high) == pytest.approx(proportion_confint(36, 40, method="wilson"))
    assert (found.tnr.value, found.tnr.n) == (0.7, 20)
    assert found.calibrated


def test_alpha_of_judge_and_people():
    # observed disagreement 1/4; of 8 verdicts 5 pass: expected 2 * 5 * 3 / (8 * 7) = 30/56
    found = calibration.calibrate(labelled({(True, True): 2, (False, False): 1, (True, False): 1}))
    assert found.alpha.value == pytest.approx(1 - (1 / 4) / (30 / 56))


def test_below_fifty_samples_it_says_how_many_are_missing():
    found = calibration.calibrate(labelled({(True, True): 20, (False, False): 12}))
    assert (found.needed, found.calibrated) == (18, False)


def test_several_answers_to_one_sample_are_one_label():
    found = calibration.calibrate({(Label(True, True),) * 60: 1})
    assert (found.samples, found.needed, found.tpr.n) == (1, 49, 1)


def test_labels_of_one_kind_calibrate_nothing():
    found = calibration.calibrate(labelled({(True, True): 60}))
    assert (found.needed, found.calibrated, found.one_sided) == (0, False, True)
    assert (found.alpha.value, found.tnr.value) == (None, None)


def test_a_failed_judgement_is_counted_and_is_no_verdict():
    found = calibration.calibrate(labelled({(True, True): 3, (True, None): 2}))
    assert (found.confusion[True, None], found.answers, found.tpr.n) == (2, 3, 3)


def test_nothing_gives_a_defined_state():
    found = calibration.calibrate({})
    assert (found.samples, found.needed, found.tpr.value, found.alpha.value) == (0, 50, None, None)


def test_people_who_agree_on_everything_have_no_alpha_and_full_agreement():
    found = calibration.calibrate({(Label(True, True, 0, 2),): 2, (Label(True, True, 0, 1),): 1}).people
    assert (found.value, found.raw.value, found.n) == (None, 1.0, 2)
    assert calibration.calibrate({(Label(True, True, 1, 2),): 1}).people.raw.value == pytest.approx(1 / 3)


def test_alpha_has_an_interval_for_the_judge_and_for_people():
    labels = {(Label(True, True, 0, 2),): 30, (Label(True, False, 1, 2),): 8, (Label(False, False, 2, 0),): 22}
    found = calibration.calibrate(labels)
    assert found.alpha.low < found.alpha.value < found.alpha.high
    assert found.people.low < found.people.value < found.people.high
    assert (found.alpha.n, found.people.n) == (60, 60)


def test_verdicts_that_follow_the_length_are_told_and_a_crossing_interval_says_nothing():
    # scipy's own rank correlation
    lengths, verdicts = list(range(40)), [float(number % 40 > 15) for number in range(40)]
    found = calibration.with_length(verdicts, lengths)
    assert found.value == pytest.approx(spearmanr(verdicts, lengths).statistic, abs=1e-9)
    assert (found.leans, found.n) == ("long", 40)
    assert calibration.with_length(verdicts, lengths[::-1]).leans == "short"
    assert calibration.with_length([0, 1] * 20, lengths).leans == ""


@pytest.mark.parametrize("verdicts", [[], [1], [1, 0], [1, 0, 1], [1] * 10, [0] * 10])
def test_few_or_unvarying_verdicts_have_no_correlation(verdicts):
    found = calibration.with_length(verdicts, range(len(verdicts)))
    assert (found.value, found.low, found.high, found.leans) == (None, -1, 1, "")


def test_correction_needs_a_good_judge_and_a_hundred_labels():
    good = calibration.calibrate(labelled({(True, True): 60, (True, False): 5, (False, False): 45, (False, True): 5}))
    judged = {str(number): float(number % 10 < 7) for number in range(300)}
    human = {str(number): judged[str(number)] if number % 10 else 0.0 for number in range(120)}
    rate = calibration.corrected(good, judged, human)
    # the judge passes 70% of the rest, and passes 10 points too many of those that people rated
    assert rate.value == pytest.approx(0.6, abs=0.01)
    assert rate.low < 0.6 < rate.high
    assert calibration.corrected(good, judged, dict(list(human.items())[:99])) is None
    poor = calibration.calibrate(labelled({(True, True): 50, (True, False): 20, (False, False): 30, (False, True): 30}))
    assert calibration.corrected(poor, judged, human) is None
