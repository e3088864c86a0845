"""Sources that were shown, and what a citation is worth, word by word."""

import pytest

from core.intake import columns
from core.knowledge import grounding
from core.knowledge.shown import Shown


def passage(number, text, document="fees.md", section=""):
    return Shown(number=number, passage_id="p", document=document, page=None, section=section, text=text, score=1.0)


SHOWN = (
    passage(1, "Purchases of 300 can be paid in instalments.", section="Plans"),
    passage(2, "A late payment costs a fee of 15.", section="Late payment"),
    passage(3, "每期逾期收15元，手续费不退。", document="规则.md"),
)


def test_a_source_is_a_document_or_words_of_it():
    assert grounding.rank("fees.md", SHOWN) == 1
    assert grounding.rank("FEES.md | late  payment costs", SHOWN) == 2
    assert grounding.rank("规则.md | 逾期", SHOWN) == 3
    assert grounding.rank("fees.md | refund", SHOWN) is None
    assert grounding.rank("other.md", SHOWN) is None
    assert grounding.source_of([("Owner", "x"), ("来源", " fees.md ")]) == "fees.md"
    assert grounding.source_of([("source", " ")]) is None


def test_a_column_that_names_sources_is_kept_when_a_file_comes_in():
    assert columns.guess(["question", "answer", "Source document", "Owner"]).fields == ("Source document",)
    assert columns.guess(["问题", "答案", "来源"]).fields == ("来源",)


@pytest.mark.parametrize(
    ("answer", "exist", "supports"),
    [
        ("A late payment costs 15. [2]", 1.0, 1.0),
        ("A late payment costs 20 [2].", 1.0, 0.0),
        ("A late payment costs 15 [1].", 1.0, 0.0),
        ("A late payment costs 15 [7].", 0.0, 0.0),
        ("A late payment costs 15 [2]. Holidays are wonderful [1].", 1.0, 0.5),
        ("逾期每期收15元【3】。", 1.0, 1.0),
        ("A late payment costs 15.", None, None),
    ],
)
def test_a_citation_exists_and_its_words_and_numbers_are_in_its_passage(answer, exist, supports):
    found = grounding.cited(answer, "What does it cost?", SHOWN)
    assert (found.exist, found.supports) == (exist, supports)


def test_an_answer_is_as_grounded_as_its_words_and_without_passages_nobody_knows():
    assert grounding.cited("The late payment fee.", "", SHOWN).grounded == 1.0
    assert grounding.cited("Zebras sleep.", "", SHOWN).grounded == 0.0
    assert grounding.cited("Late.", "", ()).grounded is None
