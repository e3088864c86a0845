"""Prompts that begin alike are found, whatever the order they come in."""

import math

from core.generation import batching


def test_two_instructions_make_two_groups():
    first = [[1, 1, 1, 1, 1, 7], [1, 1, 1, 1, 1, 8, 8]]
    second = [[2, 2, 2, 2, 5], [2, 2, 2, 2, 6]]
    found = batching.groups([first[0], second[0], first[1], second[1]], cost=2)
    # 5 + 4 tokens saved for two groups at 2 each; one group would save nothing.
    assert {(group.prefix, frozenset(group.members)) for group in found} == {
        (5, frozenset({0, 2})),
        (4, frozenset({1, 3})),
    }


def test_a_chance_likeness_is_not_worth_a_group_of_its_own():
    prompts = [[1, 1, 1, 4, 4], [1, 1, 1, 4, 5], [1, 1, 1, 6, 6], [1, 1, 1, 6, 7]]
    # One group saves 3 x 3 = 9 tokens, two groups save 4 + 4 = 8.
    assert [group.prefix for group in batching.groups(prompts, cost=1)] == [3]


def test_an_odd_prompt_does_not_spoil_it_for_the_others():
    alike = [[5] * 20 + [n] for n in range(4)]
    found = batching.groups([[1], *alike, [9, 9]], cost=2)
    assert max(found, key=lambda group: group.saved).prefix == 20
    assert sum(len(group.members) for group in found) == 6


def test_the_rungs_of_a_ladder_come_apart_though_one_stands_in_the_middle_of_another():
    short = [[0, 1, word, 9] for word in range(40)]  # an instruction of two tokens, and a question
    shots = [[0, 1, 20, *range(100, 200), word, 9] for word in range(40)]  # its examples begin like question 20
    strict = [[0, 2, *range(300, 400), word, 9] for word in range(40)]
    found = batching.groups([*short, *shots, *strict], cost=50)
    assert {(group.prefix, frozenset(group.members)) for group in found} == {
        (2, frozenset(range(40))),
        (103, frozenset(range(40, 80))),
        (102, frozenset(range(80, 120))),
    }


def test_every_prompt_keeps_a_token_of_its_own():
    # The model predicts the next token from one that it reads.
    assert batching.groups([[1, 2, 3]] * 5, cost=0)[0].prefix == 2
    assert batching.groups([[1, 2], [1, 2, 3]], cost=0)[0].prefix == 1


def test_where_grouping_is_out_of_the_question_there_is_one_group():
    assert len(batching.groups([[1], [2], [3, 3]], cost=math.inf)) == 1


def test_nothing_to_ask_is_no_group():
    assert batching.groups([], cost=1) == []
