"""Training files with conversations in them become questions with answers, without anybody's help."""

import json

import pytest

from core.intake import columns, files, importing

CHAT = {"messages": [
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": "My card?"},
    {"role": "assistant", "content": "Which one?"}, {"role": "user", "content": "The blue one"},
    {"role": "assistant", "content": "It is on its way."},
], "id": "c1"}  # fmt: skip
SHAREGPT = {"system": "Be brief.", "conversations": [
    {"from": "human", "value": "My card?"}, {"from": "gpt", "value": "Which one?"},
    {"from": "human", "value": "The blue one"}, {"from": "gpt", "value": "It is on its way."},
], "id": "c1"}  # fmt: skip
ALPACA = {"instruction": "The blue one", "input": "", "output": "It is on its way.", "system": "Be brief.",
          "history": [["My card?", "Which one?"]], "id": "c1"}  # fmt: skip


def lines(*objects):
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in objects).encode()


@pytest.mark.parametrize(("record", "shape"), [(CHAT, "messages"), (SHAREGPT, "sharegpt"), (ALPACA, "alpaca")])
@pytest.mark.parametrize("as_list", [False, True])
def test_three_ways_to_write_one_conversation_give_the_same_sample(record, shape, as_list):
    content = json.dumps([record], indent=2).encode() if as_list else lines(record)
    table = files.read("chat.json" if as_list else "chat.jsonl", content)
    assert table.shape == shape
    (row,) = importing.check(table, columns.guess(table.columns)).rows
    assert (row.key, row.input, row.reference) == ("c1", "The blue one", "It is on its way.")
    assert row.context == "System: Be brief.\n\nUser: My card?\n\nAssistant: Which one?"


def test_an_alpaca_input_follows_its_instruction():
    table = files.read("a.jsonl", lines({"instruction": "翻译", "input": "你好", "output": "Hello"}))
    assert table.rows == [{"input": "翻译\n你好", "reference": "Hello", "context": ""}]


def test_a_conversation_that_waits_for_its_answer_has_no_reference():
    table = files.read("a.jsonl", lines({"messages": [{"role": "user", "content": "Fee?"}]}))
    assert table.rows == [{"input": "Fee?", "reference": "", "context": ""}]


def test_the_parts_of_a_message_are_one_text():
    parts = [{"type": "text", "text": "One"}, {"type": "text", "text": "two"}]
    table = files.read("a.jsonl", lines({"messages": [{"role": "user", "content": parts}]}))
    assert table.rows[0]["input"] == "One\ntwo"


@pytest.mark.parametrize(
    "messages",
    [
        [],
        "hello",
        [{"role": "assistant", "content": "Hello"}],
        [{"role": "user", "content": "Fee?"}, {"role": "tool", "content": "15"}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}],
        [{"role": "user", "content": "Fee?"}, {"role": "assistant", "content": None, "tool_calls": []}],
        [{"role": "user"}],
        [["user", "Fee?"]],
    ],
)
def test_a_conversation_that_cannot_be_compared_is_a_problem_of_its_line(messages):
    table = files.read("a.jsonl", lines(CHAT, {"messages": messages}))
    assert [(problem.row, problem.kind) for problem in table.problems] == [(2, "unreadable")]
    assert "must end with a question and its answer" in str(table.problems[0])
    assert len(table.rows) == 1


def test_a_plain_table_that_has_messages_as_text_stays_a_table():
    table = files.read("a.jsonl", lines({"messages": "Where is my card?", "label": "card"}))
    assert table.shape == ""
    assert table.columns == ("messages", "label")


def test_a_json_list_names_the_line_of_a_member_and_where_it_breaks_off():
    text = '[\n {"text": "a"},\n ["b"],\n {"text": "c", "text": "d"},\n {"text": "e"},\n {"text": '
    table = files.read("a.json", text.encode())
    assert [row["text"] for row in table.rows] == ["a", "e"]
    assert [problem.row for problem in table.problems] == [3, 4, 6]
    assert "breaks off at character" in str(table.problems[2])
