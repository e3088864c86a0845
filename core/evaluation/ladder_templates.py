"""A first ladder for an imported set: A minimal, B few-shot, C process guidance, D format and constraints.

Each rung is the one before plus one thing, so that a gain can be told what it came from. Examples come from `train`
samples only.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import Refusal
from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import EXAMPLES as EXAMPLES_MARK
from core.evaluation.prompts import Example, Prompt
from core.locale.mark import N_

EXAMPLES = 8
LONGEST_LABEL_LIST = 60


def ladder(samples: Sequence[Sample], scorer: str, schema: Mapping[str, Any] | None) -> list[tuple[str, Prompt]]:
    """Four rungs for a set of these samples, scored by that scorer."""
    wanted, values = _wanted(samples, scorer, schema)
    minimal = f"Answer the message. {wanted}"
    shown = tuple(Example.of(sample, sample.reference) for sample in examples(samples, EXAMPLES))
    process = (
        f"{minimal}{values}\n\nSteps:\n1. Read the whole message and find the main request.\n"
        "2. Compare it with each possible answer.\n3. Give the one that fits best."
    )
    strict = f"{process}\n\nFormat: only the answer itself on one line, exactly as written above, and nothing else."
    return _chain(minimal, process, strict, "Message: {input}\nAnswer:", shown)


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


def _wanted(samples: Sequence[Sample], scorer: str, schema: Mapping[str, Any] | None) -> tuple[str, str]:
    if scorer == "json" and schema:
        properties: Mapping[str, Any] = schema.get("properties", {})
        values = "".join(
            f"\n- {name}: "
            + (
                " | ".join(json.dumps(value, ensure_ascii=False) for value in rule["enum"])
                if "enum" in rule
                else "text"
            )
            for name, rule in properties.items()
        )
        return f"Give one JSON object with {', '.join(properties)}.", "\n\nFields and values:" + values
    labels = sorted({sample.reference for sample in samples if sample.split == "train"})
    if scorer == "exact" and len(labels) <= LONGEST_LABEL_LIST:
        return "Answer with the category only.", "\n\nCategories:\n" + "\n".join(f"- {label}" for label in labels)
    return "Answer shortly.", ""
