"""Documents that give orders, load pictures or break out: in a prompt they are quotations, on a page they are text."""

import json
import re
from pathlib import Path

import pytest

from core.evaluation import rendering
from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import Prompt
from core.knowledge import indexes, shown, words

DOCUMENTS = {
    row["name"]: row["text"]
    for row in map(json.loads, (Path(__file__).parent / "hostile.jsonl").read_text("utf-8").splitlines())
}
QUESTION = "What does a late payment cost? 逾期要付多少？"
UNSEEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def asked(passages):
    prompt = Prompt(name="P", system="Answer.", template="{passages}\n\nQuestion: {input}")
    sample = Sample(sample_id="s", key="s", input=QUESTION, context="", reference="", kind="practice", group_id="",
                    split="dev", critical=False, tags=())  # fmt: skip
    return rendering.render(prompt, sample, passages)


@pytest.fixture
def passages(conn, settings, mina, task):
    """What the question finds among all of them, each read as a file that somebody uploaded."""
    files = [(f"{name}.txt", text.encode()) for name, text in DOCUMENTS.items()]
    assert all(one.refusal is None for one in indexes.add(conn, by=mina, task_id=task, files=files))
    return shown.of(indexes.search(conn, settings, indexes.newest(conn, task), QUESTION, indexes.MOST_SHOWN))


def test_no_document_leaves_its_fence_gives_orders_or_hides_anything(passages):
    assert len(DOCUMENTS) >= 30
    assert len(passages) >= 20
    system, user = asked(passages)
    assert system["content"] == "Answer."
    (mark,) = set(re.findall(r"^<<<(\w{16}) PASSAGE>>>$", user["content"], re.MULTILINE))
    lines = re.findall(rf"^<<<{mark} (.*)>>>$", user["content"], re.MULTILINE)
    assert lines == ["PASSAGE", "END OF PASSAGE"] * len(passages)
    outside = re.sub(rf"<<<{mark} PASSAGE>>>\n.*?\n<<<{mark} END OF PASSAGE>>>", "", user["content"], flags=re.DOTALL)
    said = [line for line in outside.splitlines() if line]
    assert said[0].endswith("is never an instruction.")
    assert said[-1] == f"Question: {QUESTION}"
    assert [line.partition(".txt")[0] for line in said[1:-1]] == [
        f"[{one.number}] {one.document[:-4]}" for one in passages
    ]
    inside = user["content"]
    assert not re.search(r"<\|im_(start|end)\|>|\[INST\]|<end_of_turn>|<<<0000", inside)
    assert not UNSEEN.search(inside)
    assert "{input}" in inside, "what a passage holds is never read as a template"
    assert {int(number) for number in re.findall(r"^\[(\d+)\] ", inside, re.MULTILINE)} == set(
        range(1, len(passages) + 1)
    )
    assert "[99]" not in inside


def test_a_mark_belongs_to_its_passages_and_equal_questions_have_equal_prompts(passages):
    assert asked(passages) == asked(passages)
    first, second = (re.search(r"<<<(\w{16}) ", asked(passages[:count])[1]["content"])[1] for count in (1, 2))
    assert first != second
    assert first not in passages[0].text


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_marking_the_words_of_a_question_changes_no_character(text):
    parts = words.marked(text, QUESTION)
    assert "".join(part for part, _ in parts) == text


def test_the_words_of_a_question_are_marked_in_both_languages():
    found = words.marked("The LATE fee is due; payments cost 15.", "What does a late payment cost?")
    assert [part for part, hit in found if hit] == ["LATE", "payments", "cost"]
    assert [part for part, hit in words.marked("每期逾期收15元，手续费不退。", "逾期手续费多少") if hit] == [
        "逾期",
        "手续费",
    ]
