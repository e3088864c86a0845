"""A prompt version is its content, and a sample's text is never read as a template."""

import pytest

from core.errors import Refusal
from core.evaluation import ladder_templates, prompts, splits
from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import Prompt
from tests.core.evaluation.test_eval_sets import rows, save, task_id  # noqa: F401  # fixtures


def sample(text, split="train", reference="yes", context=""):
    return Sample(sample_id=text, key=text, input=text, context=context, reference=reference, kind="practice",
                  group_id=text, split=split, critical=False, tags=())  # fmt: skip


def test_only_the_two_variables_are_filled_in_and_json_braces_stay():
    prompt = Prompt(name="A", system="Be brief.", template='{context} {"a": {input}} {other}')
    messages = prompts.render(prompt, sample("what {context} now", context="C"))
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
    assert "train x 1" in rungs["B"].template
    written = "".join(rung.template + rung.system for rung in rungs.values())
    assert not any(split in written for split in ("dev ", "gate ", "retain "))
    assert [one.input for one in ladder_templates.examples(known, 3)] == ["train x 1", "train y 1", "train z 1"]
    assert "- x\n- y\n- z" in rungs["C"].system
    assert len({prompt.prompt_id for prompt in rungs.values()}) == 4
