"""Near-duplicates are found without comparing every pair, and confirmed before anybody sees them."""

import random
from dataclasses import replace

from core.evaluation import duplicates
from tests.core.evaluation.test_eval_sets import rows

LONG = "My card has been on its way for three weeks now, when will it arrive at my new address?"


def test_a_changed_word_is_found_and_another_question_is_not():
    texts = [LONG, "What does it cost to pay in yen?", LONG.replace("three", "two"), LONG.upper() + " ", "我的卡丢了"]
    pairs = duplicates.find(texts)
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 2), (0, 3)]
    assert pairs[1].likeness == 100.0
    assert duplicates.NEAR <= pairs[0].likeness < 100


def test_chinese_questions_that_differ_in_one_character_are_found():
    text = "请问我的信用卡分期手续费是怎么计算的呢，能不能解释一下"
    found = duplicates.find([text, text.replace("怎么", "怎样")])
    assert [(pair.first, pair.second) for pair in found] == [(0, 1)]


def test_very_short_and_empty_texts_are_equal_or_nothing():
    assert [(pair.first, pair.second) for pair in duplicates.find(["a", "b", "a", "", "ab"])] == [(0, 2)]


def test_the_later_one_is_left_out_or_joins_the_group_of_the_first():
    made = [replace(row, input=text) for row, text in zip(rows(3), (LONG, "Other", LONG + "!"), strict=True)]
    pairs = duplicates.find([row.input for row in made])
    assert [row.key for row in duplicates.left_out(made, pairs)] == ["k0", "k1"]
    assert [row.group_id for row in duplicates.grouped(made, pairs)] == ["g0", "g1", "g0"]


def test_among_two_thousand_rows_the_hundred_twins_are_found_and_nothing_else():
    draw = random.Random(0)
    texts = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz ", k=60)) for _ in range(1900)]
    found = [pair.second for pair in duplicates.find(texts + [text + "!" for text in texts[:100]])]
    assert found == list(range(1900, 2000))
