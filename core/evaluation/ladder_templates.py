"""A first ladder for an imported set: A minimal, B few-shot, C process guidance, D format and constraints.

Each rung is the one before plus one thing, so that a gain can be told what it came from. Examples come from `train`
samples only. The words are English or Chinese, as the samples are or as somebody chose.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import Refusal
from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import EXAMPLES as EXAMPLES_MARK
from core.evaluation.prompts import Example, Prompt
from core.locale.mark import N_
from core.scoring import texts

Language = Literal["en", "zh"]

EXAMPLES = 8
LONGEST_LABEL_LIST = 60
MOST_READ = 200
"""Texts that are looked at to tell their language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the four prompts say in one language, to models: no catalogue translates it, since it decides scores."""

    task: str
    ask: str
    steps: str
    form: str
    as_json: str
    names: str
    fields: str
    text: str
    label: str
    labels: str
    short: str


WORDS: Mapping[Language, Words] = {
    "en": Words(
        task="Answer the message. ",
        ask="Message: {input}\nAnswer:",
        steps="Steps:\n1. Read the whole message and find the main request.\n"
        "2. Compare it with each possible answer.\n3. Give the one that fits best.",
        form="Format: only the answer itself on one line, exactly as written above, and nothing else.",
        as_json="Give one JSON object with %s.",
        names=", ",
        fields="Fields and values:",
        text="text",
        label="Answer with the category only.",
        labels="Categories:",
        short="Answer shortly.",
    ),
    "zh": Words(
        task="请回答下面的消息。",
        ask="消息：{input}\n回答：",
        steps="步骤：\n1. 通读整条消息，找出最主要的诉求。\n2. 与每一种可能的回答逐一比较。\n3. 给出最符合的一个。",
        form="格式：只用一行给出回答本身，与上文写法完全一致，不要输出任何其他内容。",
        as_json="请给出一个 JSON 对象，包含字段 %s。",
        names="、",
        fields="字段与取值：",
        text="文本",
        label="只回答类别名称。",
        labels="类别：",
        short="请简短回答。",
    ),
}


def language(inputs: Sequence[str]) -> Language:
    """Chinese when most letters of the first texts are CJK characters, else English."""
    return "zh" if (texts.cjk_share("\n".join(inputs[:MOST_READ])) or 0.0) > 0.5 else "en"


def ladder(
    samples: Sequence[Sample], scorer: str, schema: Mapping[str, Any] | None, said: Language | None = None
) -> list[tuple[str, Prompt]]:
    """Four rungs for a set of these samples, scored by that scorer; in the samples' own language unless one is said."""
    words = WORDS[said or language([sample.input for sample in samples])]
    wanted, values = _wanted(samples, scorer, schema, words)
    minimal = words.task + wanted
    shown = tuple(Example.of(sample, sample.reference) for sample in examples(samples, EXAMPLES))
    process = f"{minimal}{values}\n\n{words.steps}"
    return _chain(minimal, process, f"{process}\n\n{words.form}", words.ask, shown)


def filled(*, job: str, ask: str, steps: str, form: str, shown: Sequence[Example]) -> list[tuple[str, Prompt]]:
    """Four rungs from what somebody who knows the business wrote: the job, how a question is put, the steps to take,
    and the form of an answer. Raises Refusal when the job or the place of the question is missing."""
    if not job.strip():
        raise Refusal(N_("Say in a sentence what the model is to do; every prompt begins with it."))
    process = f"{job.strip()}\n\n{steps.strip()}" if steps.strip() else job.strip()
    strict = f"{process}\n\n{form.strip()}" if form.strip() else process
    return _chain(job.strip(), process, strict, ask, tuple(shown))


def _chain(minimal: str, process: str, strict: str, ask: str, shown: tuple[Example, ...]) -> list[tuple[str, Prompt]]:
    a = Prompt(name="A · minimal", system=minimal, template=ask, note="Only says what is wanted.")
    few = {"template": EXAMPLES_MARK + ask, "examples": shown} if shown else {"template": ask}
    b = Prompt(name="B · few-shot", system=minimal, note="Adds solved examples.", parent_id=a.prompt_id, **few)
    c = Prompt(
        name="C · process guidance",
        system=process,
        note="Adds answers and steps.",
        parent_id=b.prompt_id,
        **few,
    )
    d = Prompt(name="D · format", system=strict, note="Adds the strict format.", parent_id=c.prompt_id, **few)
    return [("A", a), ("B", b), ("C", c), ("D", d)]


def examples(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Up to `count` train samples, as many different references as possible, in the set's order."""
    train = [sample for sample in samples if sample.split == "train" and sample.reference]
    seen: dict[str, int] = {}
    turns = []
    for sample in train:
        seen[sample.reference] = seen.get(sample.reference, 0) + 1
        turns.append((seen[sample.reference], sample))
    chosen = [sample for _, sample in sorted(turns, key=lambda turn: turn[0])[:count]]
    return [sample for sample in train if sample in chosen]


def _wanted(samples: Sequence[Sample], scorer: str, schema: Mapping[str, Any] | None, words: Words) -> tuple[str, str]:
    """What kind of answer is wanted, and the answers there are."""
    if scorer == "json" and schema:
        properties: Mapping[str, Any] = schema.get("properties", {})
        values = "".join(f"\n- {name}: {_allowed(rule, words)}" for name, rule in properties.items())
        return words.as_json % words.names.join(properties), f"\n\n{words.fields}{values}"
    labels = sorted({sample.reference for sample in samples if sample.split == "train"})
    if scorer == "exact" and len(labels) <= LONGEST_LABEL_LIST:
        return words.label, "\n\n" + "\n".join((words.labels, *(f"- {label}" for label in labels)))
    return words.short, ""


def _allowed(rule: Mapping[str, Any], words: Words) -> str:
    values = rule.get("enum", ())
    return " | ".join(json.dumps(value, ensure_ascii=False) for value in values) or words.text
