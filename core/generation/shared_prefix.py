"""Decoding many prompts that begin alike: their beginning is kept once, and the whole batch looks at it together.

Most of a decoding step goes into looking back at what came before. Where a batch has its beginning in common, its
queries are stacked against the one copy of the beginning's keys in a matrix product, and only what is a prompt's own
is kept for each prompt (Juravsky et al., 2024, "Hydragen: High-throughput LLM inference with shared prefixes").
Answers that have ended leave the batch. Workers only (torch).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache, StaticCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "shared_prefix"

SCORES = 2**24
"""Attention scores held at once, 64 MB in float32; larger batches are gone through in parts."""

LEAVE = 0.8
"""The batch is packed anew when this share of it or less is still answering: packing copies what is kept."""

PART = 16
"""Rests of prompts read together: enough to keep the processor busy, and few enough to be of like length."""

Prefix = list[tuple[torch.Tensor, torch.Tensor]]
"""For each layer, keys and values of the common beginning, shape (key heads, tokens, width); empty if there is none."""

Pick = Callable[[torch.Tensor, Sequence[int]], torch.Tensor]
"""Scores of shape (rows, vocabulary) and the rows' numbers in the batch, to the scores whose largest is taken."""


def possible(model: Any) -> bool:
    """Whether the model can be decoded so; if it can, it is made ready for it.

    Its attention has to be the usual one, and configs do not tell: some cap scores, others add sinks. So a few tokens
    are tried both ways.
    """
    before = model.config.get_text_config()._attn_implementation
    tokens = list(range(1, 9))
    try:
        with torch.inference_mode():
            usual = model(input_ids=_tensor(model, [tokens]), logits_to_keep=1).logits.float()
            model.set_attn_implementation(NAME)
            cache = _cache(model, 4)
            shared, read = read_prefix(model, tokens[:5]), torch.ones((1, 3), dtype=torch.bool, device=model.device)
            visible = _prefill(read, 0, 1)
            ours = _forward(model, shared, _tensor(model, [tokens[5:]]), visible, _positions(read, 5), cache)
            if (usual[:, -1] - ours).norm() < 0.05 * usual.norm():
                return True
    except torch.OutOfMemoryError:
        raise  # says nothing about the attention
    except (ValueError, TypeError, AttributeError, RuntimeError):
        pass  # what models raise whose attention takes other arguments, or keeps other things in its cache
    model.set_attn_implementation(before)
    return False


@torch.inference_mode()
def read_prefix(model: Any, tokens: Sequence[int]) -> Prefix:
    """Keys and values of the beginning."""
    if not tokens:
        return []
    cache: Any = DynamicCache(config=model.config)
    model(input_ids=_tensor(model, [list(tokens)]), past_key_values=cache, use_cache=True, logits_to_keep=1)
    return [(layer.keys[0], layer.values[0]) for layer in cache.layers]


@torch.inference_mode()
def decode(
    model: Any,
    shared: Prefix,
    rests: Sequence[Sequence[int]],
    *,
    limit: int,
    ends: Sequence[int],
    pick: Pick,
    stopped: Callable[[], bool],
) -> list[list[int]]:
    """New tokens for each rest of a prompt, up to `limit`, the one that ends the answer included.

    When `stopped` says so, what is unfinished stays unfinished.
    """
    ending = torch.tensor(ends, device=model.device)
    cache, visible, positions, scores = _read_rests(model, shared, rests, limit)
    said: list[list[int]] = [[] for _ in rests]
    rows = list(range(len(rests)))
    going = torch.ones(len(rests), dtype=torch.bool, device=model.device)
    for step in range(limit):
        chosen = pick(scores, rows).argmax(-1)
        for row, token, goes in zip(rows, chosen.tolist(), going.tolist(), strict=True):
            if goes:
                said[row].append(token)
        going &= ~torch.isin(chosen, ending)
        if not going.any() or stopped():
            break
        visible[..., step - limit] = True
        positions = positions + 1
        if going.float().mean() <= LEAVE:
            rows = [row for row, goes in zip(rows, going.tolist(), strict=True) if goes]
            chosen, visible, positions = chosen[going], visible[going], positions[going]
            for layer in cache.layers:
                layer.keys, layer.values = layer.keys[going], layer.values[going]
            going = going[going]
        scores = _forward(model, shared, chosen[:, None], visible, positions, cache)
    return said


def _read_rests(
    model: Any, shared: Prefix, rests: Sequence[Sequence[int]], limit: int
) -> tuple[Any, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The cache of all rests with room for `limit` more tokens; then, for the last token of each rest, what it may
    look at, its position and its scores. The rests end at the same column, and padding stands before them.

    Padding is read like any token, so the rests are read in parts, each as wide as its own longest.
    """
    width, start = max(map(len, rests)), shared[0][0].shape[1] if shared else 0
    caches, read = [], []
    for first in range(0, len(rests), PART):
        part = rests[first : first + PART]
        longest = max(map(len, part))
        padded = _tensor(model, [[0] * (longest - len(rest)) + list(rest) for rest in part])
        real = [[False] * (longest - len(rest)) + [True] * len(rest) for rest in part]
        real_tokens = torch.tensor(real, device=model.device)
        visible, positions = _prefill(real_tokens, width - longest, limit), _positions(real_tokens, start)
        cache = _cache(model, width + limit)
        for layer in cache.layers:
            layer.cumulative_length.fill_(width - longest)
        scores = _forward(model, shared, padded, visible, positions, cache)
        caches.append(cache)
        read.append((visible[:, :, -1:], positions[:, -1:], scores))
    for layers in zip(*(cache.layers for cache in caches), strict=True):
        layers[0].keys = torch.cat([layer.keys for layer in layers])
        layers[0].values = torch.cat([layer.values for layer in layers])
    visible, positions, scores = (torch.cat(parts) for parts in zip(*read, strict=True))
    return caches[0], visible, positions, scores


def _tensor(model: Any, tokens: list[list[int]]) -> torch.Tensor:
    return torch.tensor(tokens, device=model.device)


def _cache(model: Any, length: int) -> Any:
    return StaticCache(config=model.config, max_cache_len=length)


def _prefill(real: torch.Tensor, before: int, after: int) -> torch.Tensor:
    """What each token of the rests, (rows, width) with padding on the left, may look at in a cache that has so many
    columns `before` and `after` theirs: (rows, 1, width, before + width + after).

    Padding looks at itself, since an attention over nothing is not a number.
    """
    width = real.shape[1]
    past = torch.ones((width, width), dtype=torch.bool, device=real.device).tril()
    seen = (past & real[:, None, :]) | torch.eye(width, dtype=torch.bool, device=real.device)
    return torch.nn.functional.pad(seen, (before, after))[:, None]


def _positions(real: torch.Tensor, start: int) -> torch.Tensor:
    return (start + real.cumsum(-1) - 1).clamp(min=0)


def _forward(
    model: Any,
    shared: Prefix,
    tokens: torch.Tensor,
    visible: torch.Tensor,
    positions: torch.Tensor,
    cache: Any,
) -> torch.Tensor:
    """Scores of the next token, shape (rows, vocabulary)."""
    logits: torch.Tensor = model(
        input_ids=tokens,
        attention_mask=visible,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
        **({"shared_prefix": shared} if shared else {}),
    ).logits
    return logits[:, -1]


def _attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    shared_prefix: Prefix | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """What the model calls for attention: the usual one, unless there is a common beginning to look at too."""
    if shared_prefix is None or attention_mask is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **rest)
    common = shared_prefix[module.layer_idx]
    count, heads, length, width = query.shape
    seen = heads * length * (common[0].shape[1] + key.shape[2])
    # Query heads that look through the same keys stand side by side.
    grouped = (query * (scaling or width**-0.5)).reshape(count, key.shape[1], -1, width)
    size = max(1, SCORES // seen)
    parts = zip(*(torch.split(part, size) for part in (grouped, key, value, attention_mask)), strict=True)
    output = torch.cat([_look(*part, *common) for part in parts])
    return output.reshape(count, heads, length, width).transpose(1, 2).contiguous(), None


def _look(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    visible: torch.Tensor,
    common_key: torch.Tensor,
    common_value: torch.Tensor,
) -> torch.Tensor:
    """Softmax attention over the common beginning and each row's own tokens; queries (rows, key heads, n, width)."""
    rows, groups, queries, width = query.shape
    length, count = visible.shape[2], common_key.shape[1]
    common = (_stack(query) @ common_key.transpose(1, 2)).float()
    own = (query @ key.transpose(2, 3)).float()
    own.view(rows, groups, -1, length, key.shape[2]).masked_fill_(~visible[:, :, None], float("-inf"))
    # One softmax over both, each where it lies: joining them would copy what is most of the work.
    both = common.view(groups, rows, queries, count).transpose(0, 1)
    top = torch.maximum(both.amax(-1, keepdim=True), own.amax(-1, keepdim=True))
    total = both.sub_(top).exp_().sum(-1, keepdim=True) + own.sub_(top).exp_().sum(-1, keepdim=True)
    seen = (common.to(query.dtype) @ common_value).view(groups, rows, queries, width).transpose(0, 1)
    output: torch.Tensor = (own.to(query.dtype) @ value + seen) / total.to(query.dtype)
    return output


def _stack(rows: torch.Tensor) -> torch.Tensor:
    """(rows, key heads, n, width) to (key heads, rows * n, width)."""
    return rows.transpose(0, 1).flatten(1, 2)


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
