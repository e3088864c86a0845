"""A chat model as small as can be, made on the spot: random weights, a real tokenizer, no download."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

torch.set_num_threads(1)  # a model this small only loses time when its work is divided

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML, as the starter model and Qwen write it."""

SENTENCES = [
    "Please sort this message and answer with JSON that gives intent, emotion and action.",
    "My card was stolen on the train this morning and I am scared.",
    "Where is my new card? It was sent two weeks ago. Your service is a joke!",
    "我的卡丢了，请马上帮我锁卡。",
    "分期手续费是多少？能不能提前还款？",
    *(json.dumps({"intent": name, "emotion": "calm", "action": "block_card"}) for name in ("lost_card", "pin_reset")),
]


def model(folder: Path, *, seed: int = 0, brief: Sequence[str] = ()) -> Path:
    """Make the model in `folder` (config, safetensors, tokenizer with chat template) and return the folder.

    With `brief`, texts like those it is to read, it computes much less: their words are single tokens, and it ends
    its answers after a few.
    """
    made = tokenizer(brief)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(made),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.2,  # wide enough for answers that depend on the question
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=made.eos_token_id,
        pad_token_id=made.pad_token_id,
    )
    network = LlamaForCausalLM(config)
    if brief:
        network.model.embed_tokens.weight.data[made.eos_token_id] *= 4
    network.save_pretrained(folder)
    made.save_pretrained(folder)
    return folder


def tokenizer(texts: Sequence[str] = ()) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer with the chat template."""
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096 if texts else 512,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bare.train_from_iterator(texts or SENTENCES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bare, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=TEMPLATE
    )
