"""A prompt version is its content, and a sample's text is never read as a template."""

from dataclasses import replace

import pytest

from core.errors import Refusal
from core.evaluation import eval_sets, ladder_templates, prompts, rendering, splits
from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import Prompt
from tests.core.evaluation.test_eval_sets import rows, save, task_id  # noqa: F401  # fixtures


def sample(text, split="train", reference="yes", context=""):
    return Sample(sample_id=text, key=text, input=text, context=context, reference=reference, kind="practice",
                  group_id=text, split=split, critical=False, tags=())  # fmt: skip


def test_only_the_two_variables_are_filled_in_and_json_braces_stay():
    prompt = Prompt(name="A", system="Be brief.", template='{context} {"a": {input}} {other}')
    messages = rendering.render(prompt, sample("what {context} now", context="C"))
    assert messages == (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": 'C {"a": what {context} now} {other}'},
    )


def test_equal_prompts_have_one_name_whatever_they_are_called():
    assert (
        Prompt(name="A", system="s", template="{input}").prompt_id
        == Prompt(name="B", system="s", template="{input}", note="n").prompt_id
    )


def test_a_prompt_without_the_question_is_refused():
    with pytest.raises(Refusal, match="does not contain"):
        Prompt(name="A", system="", template="Answer!")


def test_the_newest_ladder_of_a_set_counts(conn, mina, task_id):  # noqa: F811
    common = {"by": mina, "task_id": task_id, "eval_set_name": "Set"}
    one, two = (Prompt(name=name, system=name, template="{input}") for name in "AB")
    prompts.save_ladder(conn, rungs=[("A", one)], **common)
    prompts.save_ladder(conn, rungs=[("A", one), ("B", two)], **common)
    found = prompts.ladder(conn, task_id, "Set")
    assert [rung for rung, _ in found.rungs] == ["A", "B"]
    assert found.rungs[1][1] == two


def test_a_first_ladder_shows_examples_of_train_samples_only_and_each_label_once_first():
    wanted = [(split, label, n) for split in splits.SPLITS for label in "xyz" for n in (1, 2)]
    known = [sample(f"{split} {label} {n}", split, label) for split, label, n in wanted]
    rungs = dict(ladder_templates.ladder(known, "exact", None))
    assert list(rungs) == ["A", "B", "C", "D"]
    assert rendering.render(rungs["B"], sample("Is it?"))[1]["content"].startswith("Message: train x 1\nAnswer: x\n\n")
    written = "".join(str(rendering.render(rung, sample("Is it?"))) for rung in rungs.values())
    assert not any(split in written for split in ("dev ", "gate ", "retain "))
    assert [one.input for one in ladder_templates.examples(known, 3)] == ["train x 1", "train y 1", "train z 1"]
    assert "- x\n- y\n- z" in rungs["C"].system
    assert len({prompt.prompt_id for prompt in rungs.values()}) == 4


def test_the_text_of_an_example_is_never_read_as_a_template():
    shown = prompts.Example.of(sample("say {input} and {context}", context="{schema}"), "{input}")
    prompt = Prompt(name="B", system="", template="Do it.\n{examples}Q: {input} ({context})\nA:", examples=(shown,))
    assert rendering.render(prompt, sample("now {examples}"))[0]["content"] == (
        "Do it.\nQ: say {input} and {context} ({schema})\nA: {input}\n\nQ: now {examples} ()\nA:"
    )


def test_further_columns_and_the_schema_are_filled_in_by_name():
    one = replace(sample("Fee?"), fields=(("客户等级", "gold {input}"),))
    prompt = Prompt(
        name="A", system="Customer: {客户等级}", template='{schema} {input} {"a": 1} {x}', schema={"type": "object"}
    )
    system, user = rendering.render(prompt, one)
    assert system["content"] == "Customer: gold {input}"
    assert user["content"] == '{"type": "object"} Fee? {"a": 1} {x}'


@pytest.mark.parametrize("split", ["dev", "gate", "retain"])
def test_only_train_samples_may_be_examples(conn, mina, save, task_id, split):  # noqa: F811
    with pytest.raises(Refusal, match=f"is in the part “{split}”"):
        prompts.Example.of(sample("a", split=split), "b")
    saved = save([replace(rows(1)[0], split=split)])
    (locked,) = eval_sets.samples(conn, saved.eval_set_id)
    forged = prompts.Example(sample_id=locked.sample_id, input=locked.input, answer="b")
    prompt = Prompt(name="B", system="", template="{examples}{input}", examples=(forged,))
    with pytest.raises(Refusal, match=f"is in the part “{split}”"):
        prompts.save_ladder(conn, by=mina, task_id=task_id, eval_set_name="Set", rungs=[("B", prompt)])


def test_examples_schema_and_parent_are_kept_and_only_the_parent_is_no_content(conn, mina, task_id):  # noqa: F811
    first = Prompt(name="A", system="", template="{input}")
    shown = prompts.Example(sample_id="s", input="a", answer="b", fields=(("x", "y"),))
    second = Prompt(
        name="B", system="", template="{examples}{input}", examples=(shown,), schema={"type": "object"},
        parent_id=first.prompt_id,
    )  # fmt: skip
    prompts.save_ladder(conn, by=mina, task_id=task_id, eval_set_name="Set", rungs=[("A", first), ("B", second)])
    assert prompts.find(conn, second.prompt_id) == second
    assert replace(second, parent_id=None).prompt_id == second.prompt_id
    assert replace(second, examples=()).prompt_id != second.prompt_id
    assert prompts.versions(conn, task_id, "Set") == [("A", first), ("B", second)]


def test_a_ladder_from_what_a_business_person_wrote_adds_one_thing_a_rung():
    shown = [prompts.Example.of(sample("Where is it?"), "delivery")]
    rungs = dict(
        ladder_templates.filled(
            job="Sort the mail.", ask="Mail: {input}\nTopic:", steps="1. Read it.", form="One word.", shown=shown
        )
    )
    assert [rungs[rung].system for rung in "ABCD"] == [
        "Sort the mail.", "Sort the mail.", "Sort the mail.\n\n1. Read it.",
        "Sort the mail.\n\n1. Read it.\n\nOne word.",
    ]  # fmt: skip
    assert rungs["A"].examples == ()
    assert rungs["B"].examples == rungs["D"].examples == tuple(shown)
    assert [rungs[rung].parent_id for rung in "BCD"] == [rungs[rung].prompt_id for rung in "ABC"]


def test_a_frame_filled_with_a_sample_is_what_render_says():
    shown = prompts.Example(sample_id="s", input="is {input} ok?", answer="{context}", fields=(("shop", "{x}"),))
    for prompt in (
        Prompt(name="a", system="", template="{input}"),
        Prompt(
            name="b", system="For {shop}.", template="Rules: {context}\n{examples}{shop}: {input}\n", examples=(shown,)
        ),
        Prompt(
            name="c", system="As {schema}", template="{input} {unknown} {{input}} {passages}", schema={"type": "object"}
        ),
    ):
        frame = rendering.frame(prompt)
        values = {"input": "q {context}", "context": "c {input}", "shop": "{schema}", "passages": "(no passages)"}
        said = {
            role: "".join(part.get("text") or values.get(part.get("name"), "{" + part.get("name", "") + "}")
                          for part in frame[role])
            for role in ("system", "user")
        }  # fmt: skip
        asked = replace(sample(values["input"], context=values["context"]), fields=(("shop", values["shop"]),))
        rendered = {message["role"]: message["content"] for message in rendering.render(prompt, asked)}
        assert said == {"system": "", **rendered}


def test_names_in_braces_that_no_sample_has_are_named_once_each(conn, save):  # noqa: F811
    saved = save([replace(rows(1)[0], fields=(("level", "gold"), ("客户等级", "金")))])
    further = eval_sets.field_names(conn, saved.eval_set_id)
    assert further == ["level", "客户等级"]
    system = 'For {level}, {客户等级}, {amout}. Say {"intent": "x"} or {examples}.'
    assert rendering.unknown(system, "{examples}{input} {context} {schema} {passages} {amout} {Level}", further) == [
        "amout", "examples", "Level",
    ]  # fmt: skip


def test_the_schema_of_an_answer_is_among_the_lines_that_two_versions_differ_in():
    old = Prompt(name="A", system="", template="{input}", schema={"type": "object"})
    new = replace(old, schema={"type": "object", "required": ["a"]})
    assert [line for line in rendering.difference(old, new) if "required" in line] == ['+  "required": [']


def test_a_first_ladder_speaks_chinese_to_a_chinese_set_and_when_told_to():
    asked = [sample(f"我的卡 {n} 在哪里", reference="寄卡") for n in range(3)]
    rungs = dict(ladder_templates.ladder(asked, "exact", None))
    assert rendering.render(rungs["B"], asked[0])[1]["content"].startswith("消息：我的卡 0 在哪里\n回答： 寄卡\n\n")
    assert "类别：\n- 寄卡" in rungs["C"].system
    assert rungs["D"].system.startswith(rungs["C"].system)
    assert ladder_templates.language(["Where is my 卡?"]) == ladder_templates.language([]) == "en"
    english = dict(ladder_templates.ladder(asked, "json", {"properties": {"a": {"enum": ["x"]}, "b": {}}}, "en"))
    assert english["A"].system == "Answer the message. Give one JSON object with a, b."
    assert english["C"].system.startswith(english["A"].system + '\n\nFields and values:\n- a: "x"\n- b: text\n\nSteps:')
