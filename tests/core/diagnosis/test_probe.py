"""Concept and practice pairs, with numbers that can be checked by hand."""

import pytest

from core.diagnosis import probe

TARGET = 0.8


def judged(both=0, concept_only=0, practice_only=0, neither=0):
    cells = [(1.0, 1.0)] * both + [(1.0, 0.0)] * concept_only + [(0.0, 1.0)] * practice_only + [(0.0, 0.0)] * neither
    return probe.judge({f"pair-{number}": cell for number, cell in enumerate(cells)}, target=TARGET)


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        ({"neither": 22}, "knowledge_missing"),
        ({"both": 6, "neither": 14}, "knowledge_missing"),
        ({"both": 8, "concept_only": 12}, "cannot_apply"),
        ({"both": 4, "practice_only": 12, "neither": 4}, "leak_suspected"),
        ({"both": 40}, "knows_and_applies"),
        ({"both": 14, "concept_only": 2, "neither": 2}, "not_enough"),
        ({"both": 5}, "not_enough"),
        ({}, "not_enough"),
    ],
)
def test_each_two_by_two_gives_its_verdict(cells, verdict):
    assert judged(**cells).verdict == verdict


def test_eighteen_of_twenty_rules_known_is_seventy_to_ninety_seven_percent():
    found = judged(both=9, concept_only=9, neither=2)
    assert (found.concept.low, found.concept.high) == (pytest.approx(0.699, abs=1e-3), pytest.approx(0.972, abs=1e-3))
    # wrong in practice although known: 9 of 18, Wilson 29% to 71%
    assert (found.lost.value, found.lost.n) == (0.5, 18)
    assert (found.lost.low, found.lost.high) == (pytest.approx(0.290, abs=1e-3), pytest.approx(0.710, abs=1e-3))


def test_the_sentence_names_the_pairs_that_decide_it():
    text = str(judged(both=8, concept_only=12).sentence)
    assert "of 20 rules it states 100% right and applies 40%, a difference of 60 points" in text
    assert text.endswith("For example: pair-8, pair-9, pair-10.")
    assert "pair-0, pair-1, pair-2" in str(judged(neither=22).sentence)


def test_too_few_pairs_say_how_many_more_it_takes():
    found = judged(both=14, concept_only=2, neither=2)
    assert found.more
    assert f"about {found.more} more pairs are needed" in str(found.sentence)


def test_no_pairs_give_a_sentence_and_no_number():
    assert str(judged().sentence) == "Not enough evidence yet: no pair of questions has been answered."
    assert judged().lost.value is None


@pytest.mark.parametrize("kind", ["both", "concept_only", "practice_only", "neither"])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 50])
def test_degenerate_pairs_give_a_sentence_without_nan(kind, n):
    text = str(judged(**{kind: n}).sentence)
    assert "nan" not in text
    assert "%(" not in text
