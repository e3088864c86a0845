"""Six answers, where they point, and that what was measured counts before them."""

import pytest

from core.diagnosis import guide, intervals

FACTS = {"changes": "yes", "sources": "yes", "cite": "yes", "given": "yes", "form": "no", "samples": "yes"}
FORM = {"changes": "no", "sources": "no", "given": "no", "form": "yes", "samples": "yes"}


def change(fixed, broken, n=60):
    kept = n - fixed - broken
    return intervals.paired([0] * fixed + [1] * broken + [1] * kept, [1] * fixed + [0] * broken + [1] * kept)


@pytest.mark.parametrize(
    ("answers", "direction"),
    [
        ({}, "open"),
        ({"changes": "yes", "cite": "yes", "sources": "yes"}, "open"),
        (FACTS, "rag"),
        (FORM, "fine_tune"),
        ({**FACTS, "form": "yes"}, "both"),
        ({**FORM, "samples": "no"}, "neither"),
        ({**FACTS, "sources": "no"}, "neither"),
        ({**FACTS, "form": "yes", "samples": "no"}, "rag"),
        ({"changes": "no", "sources": "no", "cite": "no", "samples": "no"}, "neither"),
    ],
)
def test_answers_point_where_their_table_says(answers, direction):
    found = guide.weigh(answers)
    assert found.direction == direction
    assert "%(" not in str(found.sentence)
    assert not found.measured


def test_what_was_measured_counts_before_what_is_expected():
    assert guide.weigh(FACTS, retrieval=change(2, 30)).direction == "neither"
    assert guide.weigh({**FACTS, "sources": "no"}, retrieval=change(30, 2)).direction == "rag"
    assert guide.weigh({**FORM, "samples": "no"}, tuning=change(30, 2)).direction == "fine_tune"
    assert guide.weigh(FACTS, retrieval=change(3, 2)).direction == "rag"
    # with the added pair 62 values, sum 28, squares 34
    found = guide.weigh(FACTS, retrieval=change(30, 2), tuning=change(3, 3))
    assert str(found.measured["rag"]) == ("Measured: it helps. +47 points on 60 samples, 95% interval +30 to +60.")
    assert str(found.measured["fine_tune"]).startswith("Measured: whether it helps cannot be told yet. 0 points on 60")
    assert guide.weigh(FACTS, retrieval=intervals.paired([], [])).measured == {}


def test_the_answers_stand_beside_the_evidence_and_never_choose():
    assert guide.beside(guide.weigh({}), "rag") is None
    assert guide.beside(guide.weigh(FACTS), "rag") == guide.SAME
    assert guide.beside(guide.weigh(FACTS), "fine_tune") == guide.DIFFERENT
    assert guide.beside(guide.weigh(FACTS), "prompt") == guide.ELSEWHERE
    assert guide.beside(guide.weigh({**FACTS, "form": "yes"}), "fine_tune") == guide.SAME
