"""The table of rules, case by case."""

import itertools

import pytest

from core.diagnosis import intervals, levers
from core.diagnosis.agreement import Agreement
from core.diagnosis.levers import Finding
from core.diagnosis.verdicts import Sentence

SAID = Sentence("Measured.", {})


def recommended(**verdicts):
    return levers.recommend({kind: Finding(verdict=word, sentence=SAID) for kind, word in verdicts.items()})


@pytest.mark.parametrize(
    ("verdicts", "lever"),
    [
        ({}, "evidence"),
        ({"ladder": "not_enough", "probe": "not_enough", "models": "not_enough"}, "evidence"),
        ({"ladder": "on_target"}, "keep"),
        ({"proof": "better", "ladder": "plateau_suspected"}, "keep"),
        ({"proof": "broke", "ladder": "plateau_suspected"}, "fine_tune"),
        ({"agreement": "disagree", "models": "all_weak", "ladder": "headroom"}, "fix_rubric"),
        ({"agreement": "agree", "models": "all_weak"}, "fix_task"),
        ({"models": "all_weak"}, "fix_task"),
        ({"probe": "knowledge_missing", "ladder": "headroom"}, "rag"),
        ({"probe": "knowledge_missing", "models": "all_weak"}, "rag"),
        ({"probe": "leak_suspected", "ladder": "plateau_confirmed"}, "fix_task"),
        ({"probe": "knowledge_missing", "retrieval": "application"}, "decompose"),
        ({"retrieval": "search", "ladder": "headroom"}, "rag"),
        ({"probe": "knowledge_missing", "retrieval": "not_enough"}, "rag"),
        ({"ladder": "headroom", "probe": "cannot_apply"}, "prompt"),
        ({"probe": "cannot_apply"}, "decompose"),
        ({"probe": "cannot_apply", "ladder": "plateau_suspected"}, "fine_tune"),
        ({"probe": "cannot_apply", "ladder": "plateau_confirmed"}, "fine_tune"),
        ({"ladder": "plateau_confirmed"}, "fine_tune"),
        ({"ladder": "plateau_suspected"}, "prompt"),
        ({"models": "capability_gap", "ladder": "plateau_suspected"}, "distil"),
        ({"models": "capability_gap"}, "other_base"),
        ({"models": "capability_gap", "ladder": "headroom"}, "prompt"),
        ({"proof": "worse", "ladder": "headroom"}, "prompt"),
        ({"proof": "no_gain"}, "evidence"),
        ({"ladder": "on_target", "locked": "held"}, "keep"),
        ({"ladder": "on_target", "locked": "not_enough"}, "keep"),
        ({"ladder": "on_target", "locked": "fell"}, "prompt"),
        ({"ladder": "on_target", "locked": "fell", "probe": "knowledge_missing"}, "rag"),
        ({"models": "target_fine"}, "keep"),
        ({"models": "target_fine", "ladder": "plateau_suspected"}, "prompt"),
        ({"proof": "unproven", "ladder": "plateau_confirmed"}, "evidence"),
        ({"proof": "not_enough", "ladder": "plateau_confirmed"}, "evidence"),
        ({"proof": "not_enough", "ladder": "headroom"}, "prompt"),
        ({"proof": "no_gain", "ladder": "plateau_confirmed"}, "other_base"),
        ({"proof": "worse", "ladder": "plateau_suspected", "probe": "cannot_apply"}, "other_base"),
        ({"proof": "no_gain", "ladder": "plateau_suspected", "models": "capability_gap"}, "distil"),
        ({"errors": "knowledge"}, "rag"),
        ({"errors": "knowledge", "ladder": "plateau_confirmed"}, "rag"),
        ({"errors": "knowledge", "probe": "cannot_apply"}, "decompose"),
        ({"errors": "knowledge", "ladder": "headroom"}, "prompt"),
        ({"errors": "reasoning", "ladder": "plateau_suspected"}, "decompose"),
        ({"errors": "reasoning", "ladder": "plateau_confirmed"}, "fine_tune"),
        ({"errors": "format"}, "prompt"),
        ({"errors": "format", "ladder": "plateau_confirmed"}, "fine_tune"),
        ({"errors": "style", "ladder": "plateau_suspected"}, "fine_tune"),
        ({"errors": "style"}, "evidence"),
        ({"errors": "mixed", "ladder": "plateau_suspected"}, "prompt"),
        ({"errors": "their own kind", "ladder": "plateau_suspected"}, "prompt"),
    ],
)
def test_what_was_measured_gives_its_lever(verdicts, lever):
    assert recommended(**verdicts).lever == lever


WORDS = {
    "proof": ("", "better", "broke", "unproven", "no_gain", "worse", "not_enough"),
    "agreement": ("", "agree", "disagree", "not_enough"),
    "ladder": ("", "on_target", "headroom", "plateau_suspected", "plateau_confirmed", "not_enough"),
    "probe": ("", "knowledge_missing", "cannot_apply", "leak_suspected", "knows_and_applies", "not_enough"),
    "models": ("", "target_fine", "capability_gap", "all_weak", "not_enough"),
    "retrieval": ("", "search", "application", "not_enough"),
    "errors": ("", "knowledge", "reasoning", "format", "style", "mixed"),
    "locked": ("", "held", "fell", "not_enough"),
}


def test_every_combination_has_one_lever_and_every_rule_and_lever_is_reached():
    reached = set()
    for words in itertools.product(*WORDS.values()):
        said = {kind: word for kind, word in zip(WORDS, words, strict=True) if word}
        if "locked" in said and said.get("ladder") != "on_target":
            continue  # only a prompt that is on target is asked about there
        found = recommended(**said)
        reached.add(found.number)
        if found.lever != "evidence":
            assert found.decisive, "a lever rests on something that was measured"
    assert reached == set(range(1, len(levers.RULES) + 1))
    assert {rule.lever for rule in levers.RULES} == set(levers.LEVERS)


def test_what_was_not_measured_is_a_doubt_and_never_a_reason():
    found = recommended(ladder="plateau_suspected")
    assert found.decisive == ("ladder",)
    assert len(found.doubts) == 3
    assert not recommended(ladder="headroom", probe="cannot_apply", models="all_weak", agreement="agree").doubts


def test_a_target_that_was_not_confirmed_on_the_locked_samples_is_a_doubt():
    assert levers.UNCONFIRMED in recommended(ladder="on_target").doubts
    assert levers.UNCONFIRMED not in recommended(ladder="on_target", locked="held").doubts
    assert levers.UNCONFIRMED not in recommended(ladder="headroom").doubts


@pytest.mark.parametrize("kind", levers.UNSETTLED)
def test_what_was_measured_and_settles_nothing_is_a_doubt_as_well(kind):
    doubts = recommended(**{kind: "not_enough"}).doubts
    assert levers.UNSETTLED[kind] in doubts
    assert levers.UNMEASURED.get(kind) not in doubts


@pytest.mark.parametrize(
    ("low", "high", "problem", "word"),
    [
        (0.82, 0.95, None, "agree"),
        (0.1, 0.5, None, "disagree"),
        (0.28, 0.9, None, "not_enough"),
        (-0.1, 0.1, "one_sided", "not_enough"),
        (None, None, "no_overlap", "not_enough"),
    ],
)
def test_agreement_is_decided_by_its_interval_and_not_by_its_point(low, high, problem, word):
    raw = intervals.rate(3, 4)
    found = Agreement(value=low, low=low, high=high, n=4, raw=raw, prevalence=0.5, problem=problem)
    assert levers.agreed(found) == word
