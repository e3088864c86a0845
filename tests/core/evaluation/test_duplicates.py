"""Near-duplicates are found without comparing every pair, and confirmed before anybody sees them."""

import random
from dataclasses import replace

from core.evaluation import duplicates
from tests.core.evaluation.test_eval_sets import rows, save, task_id  # noqa: F401  # fixtures

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


def test_among_many_texts_of_the_same_words_the_twin_is_compared_first():
    """Each of 300 texts shares half of its 3-grams with all others, many more than are compared."""
    common = "the parcel of the customer is late and the invoice of the order is open "
    texts = [f"{common}{''.join(random.Random(place).choices('abcdefghij', k=60))}" for place in range(300)]
    pairs = duplicates.find([*texts, texts[5][:-1] + "x"])
    assert [(pair.first, pair.second) for pair in pairs] == [(5, 300)]


def test_a_row_like_a_saved_sample_joins_its_group_with_all_of_its_own_unless_that_is_settled(conn, save, task_id):  # noqa: F811
    old = [replace(row, input=text, split="gate") for row, text in zip(rows(2), (LONG, "Where is it?"), strict=True)]
    save(old)
    save([old[0]], name="Other")
    save([replace(old[1], split=None)], name="Set")  # the first is in the newest version of “Other” only
    known = duplicates.saved(conn, task_id)
    assert [(one.set_name, one.version, one.key, one.split) for one in known] == [
        ("Other", 1, "k0", "gate"), ("Set", 2, "k1", "gate"),
    ]  # fmt: skip
    new = [
        replace(row, input=text, group_id=group)
        for row, text, group in zip(
            rows(6),
            (LONG + "!", "Another question", LONG.upper(), "Where is it?", LONG + "?", LONG + "??"),
            ("mine", "mine", "g0", "g1", "g1", "else"),
            strict=True,
        )
    ]
    new[5] = replace(new[5], split="train")
    for turn in (known, known + [replace(known[1], key=str(n), input=f"{n} " * 20) for n in range(9)]):
        twins = duplicates.against(new, turn)
        assert [(twin.row, twin.saved.key, twin.settled) for twin in twins] == [
            (0, "k0", False), (4, "k0", True), (5, "k0", False),
        ]  # fmt: skip
    groups = [row.group_id for row in duplicates.grouped(new, [], twins)]
    assert groups == ["g0", "g0", "g0", "g1", "g1", "else"]
    assert [row.key for row in duplicates.left_out(new, [], twins)] == ["k1", "k2", "k3"]
