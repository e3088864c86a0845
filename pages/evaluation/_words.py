"""Words that the evaluation pages share, for what core keeps as short names."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from core.generation import failures
from core.locale.mark import N_
from pages._ui.session import plain

SPLITS = {
    "dev": N_("Prompt tuning (dev)"),
    "train": N_("Learning (train)"),
    "gate": N_("Final proof (gate)"),
    "retain": N_("Must not break (retain)"),
}
SPLITS_SHORT = {"dev": N_("Tuning"), "train": N_("Learning"), "gate": N_("Proof"), "retain": N_("Must not break")}
SPLITS_EXPLAINED = {
    "dev": N_("The prompt ladder is measured on these."),
    "train": N_("Answers to these are rated, approved and learned from."),
    "gate": N_("Locked until the proof: nobody tunes or trains on them."),
    "retain": N_("Other abilities that must stay as good as they are."),
}
SCORERS = {
    "json": N_("Fields of a JSON answer"),
    "exact": N_("Same text"),
    "contains": N_("Contains the reference"),
    "overlap": N_("Likeness of wording"),
}
SCORERS_EXPLAINED = {
    "json": N_("Right when every field of the reference has the same value; the format is checked apart from that."),
    "exact": N_("Right when answer and reference are the same text, apart from case, spaces and quotes around it."),
    "contains": N_("Right when the reference occurs in the answer as a whole word; write a|b if either will do."),
    "overlap": N_("Measures how much of the wording is shared. It never says right or wrong; people decide that."),
}
MODEL_KINDS = {
    "local": N_("Model folder"),
    "api": N_("API endpoint"),
    "adapter": N_("Fine-tuned here"),
}
SHIPPED_PROMPTS = (
    N_("A · minimal"),
    N_("B · few-shot"),
    N_("C · process guidance"),
    N_("D · format and constraints"),
    N_("D · format"),
    N_("A · question only"),
    N_("A · short answer"),
    N_("A · reply from facts"),
    N_("A · with passages"),
    N_("Shows the passages that were looked up and asks for a short answer that cites them."),
    N_("Only says what is wanted; the model has to guess labels and rule."),
    N_("Adds eight solved examples, one for each intent, with calm, worried and angry customers."),
    N_("Adds what each label means and the house rule as three steps."),
    N_("Adds the strict output format and what to do when unsure."),
    N_("The question as it stands, with no instruction at all."),
    N_("Asks for a short answer and gives none of the desk's fee rules."),
    N_("Gives the facts and house rules of the case and asks for a short, honest reply."),
    N_("Only says what is wanted."),
    N_("Adds solved examples."),
    N_("Adds answers and steps."),
    N_("Adds the strict format."),
)
"""Names and notes of the prompts in data/samples and core/evaluation/ladder_templates.py."""


def row_height(texts: Iterable[str], lines: int = 3) -> int | None:
    """Of a table whose widest column holds these texts: room for so many lines if one of them is long."""
    return 24 * lines + 6 if any(len(text) > 60 for text in texts) else None


def failure(row: Mapping[str, Any]) -> str:
    """Why a call failed, in the reader's language; in English where an older version kept only the sentence."""
    message = failures.MESSAGES.get(row["failure_code"])
    return plain(message, **json.loads(row["failure_values"] or "{}")) if message else str(row["failure"])


def result(row: Mapping[str, Any]) -> str:
    """How an answer was scored: right, wrong, a share, or why there is none."""
    if row["failure"] is not None:
        return plain("failed")
    cut = plain("cut off")
    return f"{_scored(row['value'])} · {cut}" if row["cut"] else _scored(row["value"])


def _scored(value: float | None) -> str:
    if value is None:
        return plain("not scored")
    if value in (0, 1):
        return plain("right") if value else plain("wrong")
    return f"{value:.0%}"


def answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `answers.of_run` as tables show it."""
    return {
        plain("Result"): result(row),
        plain("Input"): row["input"],
        plain("Answer"): row["text"] if row["failure"] is None else failure(row),
        plain("Reference"): row["reference"],
        plain("Why"): row["reason"],
    }
