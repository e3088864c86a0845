"""Every family of models that we name learns answers and pairs, is saved, merged and loaded again, and answers."""

from pathlib import Path

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from core.training import lora, merging
from core.training.recipes import Recipe
from tests import tiny

FAMILIES = {
    "llama": (LlamaForCausalLM, LlamaConfig, {}),
    "yi": (LlamaForCausalLM, LlamaConfig, {"rope_theta": 5_000_000.0, "tie_word_embeddings": False}),  # its own sizes
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, {}),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config, {"head_dim": 16}),
    "gemma2": (Gemma2ForCausalLM, Gemma2Config, {"head_dim": 16, "sliding_window": 32}),
    "gemma3": (Gemma3ForCausalLM, Gemma3TextConfig, {"head_dim": 16, "sliding_window": 32}),
}


def model(family: str, folder: Path) -> Path:
    """A model of the family with two small layers of random weights."""
    kind, config, own = FAMILIES[family]
    tokenizer = tiny.tokenizer()
    torch.manual_seed(0)
    sizes = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "tie_word_embeddings": True,
        "initializer_range": 0.2,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    kind(config(**{**sizes, **own})).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_the_family_learns_answers_then_pairs_and_is_merged(family, tmp_path):
    base = model(family, tmp_path / "base")
    rows = [
        {"messages": [{"role": "user", "content": text}], "completion": f"card {n}", "rejected": "I do not know."}
        for n, text in enumerate(tiny.SENTENCES[:4])
    ]
    sft, dpo = tmp_path / "sft", tmp_path / "dpo"
    for folder in (sft, dpo):
        folder.mkdir()
    answers = [{name: row[name] for name in ("messages", "completion")} for row in rows]
    learned = lora.train(sft, base, Recipe(epochs=20, learning_rate=5e-3, batch_size=4), answers)["summary"]
    assert learned["final_loss"] < learned["first_loss"] / 2
    recipe = Recipe(method="dpo", epochs=2, learning_rate=1e-4, batch_size=4)
    preferred = lora.train(dpo, base, recipe, rows, start=sft / "adapter")["summary"]
    assert preferred["steps"] == 2
    spec = {"base": str(base), "adapter": str(dpo / "adapter"), "into": str(tmp_path / "merged")}
    made = merging.work(tmp_path, {**spec, "prompts": [row["messages"] for row in rows]})
    assert (made["checked"], made["same"]) == (4, 4)
