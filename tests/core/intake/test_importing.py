"""Which rows of a table become samples, and what the others are told."""

import json

import pytest

from core.errors import Refusal
from core.intake import columns, files, importing
from core.intake.columns import Mapping
from core.intake.importing import Import

PLAIN = Mapping(input="text", reference="label")
FULL = Mapping(
    input="input", reference="reference", context="context", key="key", group="group", split="split", tags="tags",
    kind="kind", pair="pair", critical="critical",
)  # fmt: skip


def imported(text: str, mapping: Mapping = PLAIN) -> Import:
    return importing.check(files.read("a.csv", text.encode()), mapping)


@pytest.mark.parametrize(
    ("names", "mapping"),
    [
        (("text", "category"), Mapping(input="text", reference="category")),
        (("id", "Question", "Expected Output"), Mapping(input="Question", reference="Expected Output", key="id")),
        (("问题", "标准答案", "编号"), Mapping(input="问题", reference="标准答案", key="编号")),
        (("留言", "意图", "上下文"), Mapping(input="留言", reference="意图", context="上下文")),
        (("answer", "message"), Mapping(input="message", reference="answer")),
        (("input",), Mapping(input="input", reference=None)),
        (columns.PARTS, FULL),
        (("prompt", "group_id"), Mapping(input="prompt", reference=None, group="group_id")),
        (("a", "b"), None),
    ],
)
def test_the_usual_column_names_are_guessed(names, mapping):
    assert columns.guess(names) == mapping


def test_a_public_intent_file_goes_in_as_it_is():
    text = (
        'text,category\nDid you post my card already?,card_arrival\n'
        '"I asked on Monday.\nStill nothing, why?",card_arrival\n"A fee of ""5"" was taken",fee\n'
    )  # fmt: skip
    table = files.read("train.csv", text.encode())
    result = importing.check(table, columns.guess(table.columns))
    assert [(row.key, row.line, row.reference, row.split) for row in result.rows] == [
        ("row-2", 2, "card_arrival", None),
        ("row-3", 3, "card_arrival", None),
        ("row-5", 5, "fee", None),
    ]
    assert result.rows[1].input == "I asked on Monday.\nStill nothing, why?"
    assert result.problems == ()
    assert result.duplicates == ()


def test_every_part_of_a_sample_comes_from_its_column():
    header = ",".join(columns.PARTS)
    text = f'{header}\nFee?,15,Terms,k1,g1,Gate,"fees; en,fees",Concept,p1,yes\nCard?,sent,,,,,"[""a"", ""b,c""]",,,\n'
    first, second = imported(text, FULL).rows
    assert (first.input, first.reference, first.context, first.key) == ("Fee?", "15", "Terms", "k1")
    assert (first.group_id, first.split, first.tags, first.kind) == ("g1", "gate", ("fees", "en"), "concept")
    assert (first.pair, first.critical) == ("p1", True)
    assert (second.key, second.split, second.kind, second.pair) == ("row-3", None, "practice", "")
    assert (second.tags, second.critical) == (("a", "b,c"), False)


@pytest.mark.parametrize("tags", ["[" * 50_000, r'["\ud83d"]', "[1", "3"])
def test_tags_that_are_no_json_list_are_kept_as_they_are(tags):
    table = files.read("a.jsonl", json.dumps({"text": "a", "tags": tags}).encode())
    (row,) = importing.check(table, Mapping(input="text", reference=None, tags="tags")).rows
    assert row.tags == (tags,)


def test_a_missing_column_is_named_with_the_columns_there_are():
    with pytest.raises(Refusal) as caught:
        imported("text,label\na,b\n", Mapping(input="text", reference="answer"))
    assert str(caught.value) == "The file has no column “answer”; its columns are “text”, “label”. Choose one of these."


def test_one_column_cannot_be_both_question_and_answer():
    with pytest.raises(Refusal, match="chosen both as input and as reference"):
        imported("text,label\na,b\n", Mapping(input="text", reference="text"))


def test_an_empty_input_is_a_problem_of_its_row():
    result = imported("text,label\nfine,a\n  ,b\n")
    assert [(problem.row, problem.column) for problem in result.problems] == [(3, "text")]
    assert [row.line for row in result.rows] == [2]


@pytest.mark.parametrize(("column", "word"), [("split", "test"), ("kind", "theory"), ("critical", "perhaps")])
def test_an_unknown_word_is_a_problem_that_names_the_known_ones(column, word):
    mapping = Mapping(**{"input": "text", "reference": None, column: column})
    result = imported(f"text,{column}\nfine,\nodd,{word}\n", mapping)
    (problem,) = result.problems
    assert (problem.row, problem.column, problem.values["word"]) == (3, column, word)
    assert [row.line for row in result.rows] == [2]


def test_rows_that_could_not_be_read_stay_among_the_problems():
    result = imported("text,label\n,a\nragged\nfine,b\n")
    assert [problem.row for problem in result.problems] == [2, 3]
    assert [row.line for row in result.rows] == [4]


def test_repeated_rows_are_listed_and_only_the_first_is_kept():
    result = imported("text,label\nWhere is it?,a\nOther,b\nWhere  is　it？,ａ\nWhere is it?,a\n")
    assert [row.line for row in result.rows] == [2, 3]
    assert result.duplicates == ((2, 4), (2, 5))
    assert result.problems == ()


def test_two_references_for_one_input_are_a_problem_of_every_row_concerned():
    result = imported("text,label\nWhere is it?,a\nOther,c\nwhere,d\nWhere is it?,b\nWhere is it?,a\n")
    assert [(problem.row, problem.values["other"]) for problem in result.problems] == [(2, 5), (5, 2), (6, 5)]
    assert str(result.problems[0]).startswith("There are two different references for the same input")
    assert [row.line for row in result.rows] == [3, 4]
    assert result.duplicates == ()


def test_one_question_about_two_contexts_may_have_two_references_but_is_one_group():
    mapping = Mapping(input="text", reference="label", context="context")
    result = imported("text,label,context\nHow much?,5,Plan A\nHow  much?,7,Plan B\nWhen?,now,Plan A\n", mapping)
    groups = [row.group_id for row in result.rows]
    assert groups[0] == groups[1] != groups[2]
    assert result.problems == ()


def test_a_key_is_given_once():
    result = imported("text,id\na,k\nb,k\nc,row-2\nd,\n", Mapping(input="text", reference=None, key="id"))
    assert [row.key for row in result.rows] == ["k", "row-2", "row-5"]
    assert [(problem.row, problem.values) for problem in result.problems] == [(3, {"key": "k", "other": 2})]


def test_a_group_is_in_one_split():
    mapping = Mapping(input="text", reference=None, group="g", split="split")
    result = imported("text,g,split\na,one,\nb,one,gate\nc,one,train\nd,two,train\n", mapping)
    assert [(row.line, row.split) for row in result.rows] == [(2, "gate"), (3, "gate"), (5, "train")]
    assert [(problem.row, problem.values) for problem in result.problems] == [
        (4, {"split": "train", "other": 3, "first": "gate"})
    ]
