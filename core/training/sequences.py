"""From rows to what the model is trained on: tokens, labels, and batches without a wasted token. Workers only (torch).

Training rows begin alike: the same instructions, and then a message. What a model computes for a token depends only on
the tokens before it, so the common beginning is laid out once in a batch and the rest of each row after it, in one
sequence in which each rest sees the beginning and itself (`attention`). Loss and gradients are those of separate rows,
for a part of the work, and no token is there only to make rows equally long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from core.errors import Refusal
from core.generation import batching, weights
from core.generation.base import Message

Row = dict[str, Any]
"""`{"messages": [...], "completion": text}`, with `rejected`, another text, where the row is a pair."""

Example = dict[str, Any]
"""`input_ids` and, equally long, `labels`: -100 where the token is given and not learned. A pair has the example of
its worse answer as `rejected`."""


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
        made.append(example(tokenizer, row["messages"], row["completion"], ends))
        if row.get("rejected"):
            made[-1]["rejected"] = example(tokenizer, row["messages"], row["rejected"], ends)
    lengths = [length(one) for one in made]
    if max(lengths) > max_length:
        raise Refusal(
            "%(count)s training rows are longer than %(limit)s tokens, the longest has %(longest)s, and cutting them "
            "would cut the answers. Raise the maximum length or use a shorter prompt.",
            count=sum(length > max_length for length in lengths),
            limit=max_length,
            longest=max(lengths),
        )
    return made


def example(tokenizer: Any, messages: Sequence[Message], answer: str, ends: Sequence[int]) -> Example:
    """One prompt with one answer; Refusal if the template does not end it."""
    prompt, written = weights.prompt(tokenizer, messages), _answer(tokenizer, messages, answer, ends)
    return {"input_ids": prompt + written, "labels": [-100] * len(prompt) + written}


def length(one: Example) -> int:
    """Tokens of the row, of a pair's longer half."""
    return max(len(one["labels"]), len((one.get("rejected") or one)["labels"]))


def _answer(tokenizer: Any, messages: Sequence[Message], answer: str, ends: Sequence[int]) -> list[int]:
    """The tokens that the chat template writes for the answer, with the one that ends the turn."""
    told = {"tokenize": False, "enable_thinking": False}
    opened = tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, **told)
    whole = tokenizer.apply_chat_template([*messages, {"role": "assistant", "content": answer}], **told)
    tokens = tokenizer(whole.removeprefix(opened), add_special_tokens=False)["input_ids"]
    end = max((at for at, token in enumerate(tokens) if token in ends), default=0)
    if not whole.startswith(opened) or not end:
        raise Refusal(
            "The model's chat template does not end an answer with a token that the model stops at, so training would "
            "teach it to go on for ever. Use the instruct variant of the model, or correct its chat template."
        )
    return list(tokens[: end + 1])


TRUNK = -1
"""The branch number of tokens that all rows of a group share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collator:
    """Examples in, one batch of tensors out: laid out as a tree, or side by side for models that cannot take it."""

    pad: int
    shares: bool
    """Whether the model's layers take trees: what `attention.install` said."""

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The batch's `task` rows, its `replay` rows and its `pairs`, each as `lay_out` gives them.

        Of pairs, the first half are the better answers and the second half the worse ones.
        """
        parts: dict[str, list[Example]] = {"task": [], "replay": [], "pairs": []}
        for row in rows:
            parts["replay" if row["replay"] else "pairs" if row.get("rejected") else "task"].append(row)
        parts["pairs"] += [row["rejected"] for row in parts["pairs"]]
        return {name: self.lay_out(part) for name, part in parts.items() if part}

    def lay_out(self, rows: list[Example]) -> dict[str, Any]:
        """Tensors of shape (1, tokens) as a tree, or (rows, longest) side by side.

        They are for the model, but for `labels` and `owners`: which row each token is of, as far as it is labelled.
        """
        if self.shares:
            return _tree(rows)
        plain = [{"input_ids": row["input_ids"], "labels": row["labels"]} for row in rows]
        laid = dict(DataCollatorForLanguageModeling(pad_token_id=self.pad)(plain))
        return {**laid, "owners": torch.arange(len(rows))[:, None].expand_as(laid["labels"])}


def _tree(rows: list[Example]) -> dict[str, Any]:
    """One sequence: each group's common beginning (its trunk), followed by the rests of its rows (its branches)."""
    tokens: list[int] = []
    labels: list[int] = []
    positions: list[int] = []
    branches: list[int] = []
    places: list[list[int]] = [[] for _ in rows]

    def add(row: Example, start: int, end: int, branch: int) -> list[int]:
        began = len(tokens)
        tokens.extend(row["input_ids"][start:end])
        labels.extend(row["labels"][start:end])
        positions.extend(range(start, end))
        branches.extend([branch] * (end - start))
        return list(range(began, len(tokens)))

    prompts = [row["input_ids"][: row["labels"].count(-100)] for row in rows]
    for group in batching.groups(prompts, cost=0):
        trunk = add(rows[group.members[0]], 0, group.prefix, TRUNK)
        for member in group.members:
            places[member] = trunk + add(rows[member], group.prefix, len(rows[member]["labels"]), member)
    longest = max(map(len, places))
    owners = [0] * len(tokens)
    for row, of_row in enumerate(places):
        for at, place in enumerate(of_row):
            owners[place] = row * longest + at
    # What follows a row's end is not looked at by it, and is nobody's.
    filled = [of_row + [0] * (longest - len(of_row)) for of_row in places]
    return {
        "input_ids": torch.tensor([tokens]),
        "labels": torch.tensor([labels]),
        "owners": torch.tensor([branches]),
        "position_ids": torch.tensor([positions]),
        "attention_mask": None,
        "tree": {"places": torch.tensor(filled), "owners": torch.tensor(owners)},
    }
