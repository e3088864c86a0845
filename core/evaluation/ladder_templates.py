"""A first ladder for an imported set: A minimal, B few-shot, C process guidance, D format and constraints.

Each rung is the one before plus one thing, so that a gain can be told what it came from. Examples come from `train`
samples only.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import Prompt

EXAMPLES = 8
LONGEST_LABEL_LIST = 60


def ladder(samples: Sequence[Sample], scorer: str, schema: Mapping[str, Any] | None) -> list[tuple[str, Prompt]]:
    """Four rungs for a set of these samples, scored by that scorer."""
    wanted, values = _wanted(samples, scorer, schema)
    minimal = f"Answer the message. {wanted}"
    shown = "".join(
        f"Message: {sample.input}\nAnswer: {sample.reference}\n\n" for sample in examples(samples, EXAMPLES)
    )
    process = (
        f"{minimal}{values}\n\nSteps:\n1. Read the whole message and find the main request.\n"
        "2. Compare it with each possible answer.\n3. Give the one that fits best."
    )
    strict = f"{process}\n\nFormat: only the answer itself on one line, exactly as written above, and nothing else."
    ask = "Message: {input}\nAnswer:"
    return [
        ("A", Prompt(name="A · minimal", system=minimal, template=ask, note="Only says what is wanted.")),
        ("B", Prompt(name="B · few-shot", system=minimal, template=shown + ask, note="Adds solved examples.")),
        (
            "C",
            Prompt(name="C · process guidance", system=process, template=shown + ask, note="Adds answers and steps."),
        ),
        ("D", Prompt(name="D · format", system=strict, template=shown + ask, note="Adds the strict format.")),
    ]


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
