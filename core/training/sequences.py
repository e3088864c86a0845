"""From rows to what the model is trained on: tokens, labels, and batches without a wasted token. Workers only (torch).

Training rows begin alike: the same instructions, and then a message. What a model computes for a token depends only on
the tokens before it, so the common beginning is laid out once in a batch and the rest of each row after it, in one
sequence whose attention mask lets each rest see the beginning and itself. Loss and gradients are those of separate
rows, for a part of the work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DataCollatorForTokenClassification

from core.errors import Refusal
from core.generation import batching, weights

Row = dict[str, Any]
"""`{"messages": [...], "completion": text}`."""

Example = dict[str, list[int]]
"""`input_ids` and, equally long, `labels`: -100 where the token is given and not learned."""


def examples(tokenizer: Any, rows: Sequence[Row], *, ends: Sequence[int], max_length: int) -> list[Example]:
    """Tokens and labels of each row.

    The prompt's tokens are those that the generator sends; the labels are what the chat template writes as the answer,
    up to and with the token that ends it. Refusal if an answer is empty, has no end, or does not fit.
    """
    if not rows:
        raise Refusal("There are no rows to train on. Approve some answers first.")
    made = []
    for number, row in enumerate(rows, start=1):
        if not row["completion"].strip():
            raise Refusal("Training row %(row)s has an empty answer. Correct the answer or remove the row.", row=number)
        prompt = weights.prompt(tokenizer, row["messages"])
        answer = _answer(tokenizer, row, ends)
        made.append({"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer})
    lengths = [len(example["labels"]) for example in made]
    if max(lengths) > max_length:
        raise Refusal(
            "%(count)s training rows are longer than %(limit)s tokens, the longest has %(longest)s, and cutting them "
            "would cut the answers. Raise the maximum length or use a shorter prompt.",
            count=sum(length > max_length for length in lengths),
            limit=max_length,
            longest=max(lengths),
        )
    return made


def _answer(tokenizer: Any, row: Row, ends: Sequence[int]) -> list[int]:
    """The tokens that the chat template writes for the answer, with the one that ends the turn."""
    told = {"tokenize": False, "enable_thinking": False}
    opened = tokenizer.apply_chat_template(list(row["messages"]), add_generation_prompt=True, **told)
    answer = {"role": "assistant", "content": row["completion"]}
    whole = tokenizer.apply_chat_template([*row["messages"], answer], **told)
    tokens = tokenizer(whole.removeprefix(opened), add_special_tokens=False)["input_ids"]
    end = max((at for at, token in enumerate(tokens) if token in ends), default=0)
    if not whole.startswith(opened) or not end:
        raise Refusal(
            "The model's chat template does not end an answer with a token that the model stops at, so training would "
            "teach it to go on for ever. Use the instruct variant of the model, or correct its chat template."
        )
    return list(tokens[: end + 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Collator:
    """Examples in, one batch of tensors out: laid out as a tree, or side by side where that is less work."""

    pad: int
    hidden_size: int
    shares: bool
    """Whether the model's layers look at all tokens, so that the tree is possible at all."""

    def __call__(self, rows: list[Example]) -> dict[str, torch.Tensor]:
        """Tensors for the model, `labels` with them, shape (1, tokens) as a tree and (rows, longest) side by side."""
        lengths = [len(row["labels"]) for row in rows]
        prompts = [row["input_ids"][: row["labels"].count(-100)] for row in rows]
        groups = batching.groups(prompts, cost=0)
        tokens = sum(lengths) - sum(group.saved for group in groups)
        if self.shares and self._work(tokens, tokens) < self._work(len(rows) * max(lengths), max(lengths)):
            return _tree(rows, groups)
        return _side_by_side(rows, self.pad)

    def _work(self, tokens: int, seen: int) -> float:
        """Work for `tokens` that each look at `seen`, in tokens: a transformer layer has about 12 h^2 weights, and
        looking at one token more costs 2 h multiplications, so 6 h looks cost as much as one token (Kaplan et al.,
        2020, table 1)."""
        return tokens * (1 + seen / (6 * self.hidden_size))


def _side_by_side(rows: list[Example], pad: int) -> dict[str, torch.Tensor]:
    longest = max(len(row["labels"]) for row in rows)

    def fill(values: list[int], empty: int) -> list[int]:
        return values + [empty] * (longest - len(values))

    return {
        "input_ids": torch.tensor([fill(row["input_ids"], pad) for row in rows]),
        "labels": torch.tensor([fill(row["labels"], -100) for row in rows]),
        "attention_mask": torch.tensor([fill([1] * len(row["labels"]), 0) for row in rows]),
        "position_ids": torch.arange(longest).expand(len(rows), -1),
    }


def _tree(rows: list[Example], groups: list[batching.Group]) -> dict[str, torch.Tensor]:
    tokens: list[int] = []
    labels: list[int] = []
    positions: list[int] = []
    spans: list[tuple[int, int, int]] = []  # each rest, and where its group's beginning starts
    for group in groups:
        trunk = len(tokens)
        beginning = rows[group.members[0]]["input_ids"][: group.prefix]
        tokens += beginning
        labels += [-100] * group.prefix
        positions += range(group.prefix)
        for member in group.members:
            start = len(tokens)
            tokens += rows[member]["input_ids"][group.prefix :]
            labels += rows[member]["labels"][group.prefix :]
            positions += range(group.prefix, len(rows[member]["labels"]))
            ...
    return {}
