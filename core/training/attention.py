"""Attention row by row, where all else is computed once for what rows share (see `sequences`). Workers only (torch).

A processor's fused attention is made for long sequences: with rows of a hundred tokens in bfloat16, plain products of
matrices take a quarter of its time (docs/measurements.md). A GPU's is quick at any length.
"""

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from core.generation import weights

NAME = "rows"

SHORT = 256
"""Up to so many tokens plain products are quicker on a processor; beyond, what they keep for the way back counts."""


def install(model: Any) -> bool:
    """Let the model's layers take `tree` (see `attend`), if their attention is the usual one; whether they do."""
    if not weights.sees_all(model) or model.config.get_text_config()._attn_implementation not in ("sdpa", NAME):
        return False
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, _mask)
    model.set_attn_implementation(NAME)
    return True


def _mask(*, attention_mask: torch.Tensor | None = None, **more: Any) -> torch.Tensor | None:
    """None unless there is padding to hide: a mask over all tokens of a tree would be the largest tensor of all."""
    return None if attention_mask is None else sdpa_mask(attention_mask=attention_mask, **more)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    tree: dict[str, torch.Tensor] | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """What a layer asks for: heads of shape (batch, heads, tokens, width) in, (batch, tokens, heads, width) out.

    With `tree`, the batch is one sequence of many rows. `places`, of shape (rows, longest), are where each row's tokens
    stand in it, in their order; `owners`, of shape (tokens,), where each token stands among the rows' laid side by
    side. A token looks at those before it in its row.
    """
    if tree is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, dropout=dropout, **more
        )
    query, key, value = (heads[0].transpose(0, 1)[tree["places"]].transpose(1, 2) for heads in (query, key, value))
    if query.device.type == "cpu" and query.shape[2] <= SHORT and not dropout:
        out = _products(query, key, value, query.shape[-1] ** -0.5 if scaling is None else scaling)
    else:  # without a mask, it looks back only
        out, _ = sdpa_attention_forward(module, query, key, value, None, scaling=scaling, dropout=dropout, **more)
    return out.flatten(0, 1)[tree["owners"]][None], None


def _products(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float) -> torch.Tensor:
    """Scaled dot-product attention that looks back only, heads of a group side by side over their one key."""
    rows, heads, tokens, width = query.shape
    keys = key.shape[1]
    ahead = torch.full((tokens, tokens), -torch.inf, dtype=query.dtype, device=query.device).triu(1)
    grouped = query.reshape(rows, keys, -1, width)
    seen = torch.matmul(grouped, key.transpose(2, 3)).view(rows, heads, tokens, tokens) * scaling + ahead
    weighed = seen.softmax(-1, dtype=torch.float32).to(value.dtype).view(rows, keys, -1, tokens)
    return torch.matmul(weighed, value).view(rows, heads, tokens, -1).transpose(1, 2)
