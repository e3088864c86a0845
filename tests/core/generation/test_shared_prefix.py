"""A batch that looks at one copy of its common beginning says what each prompt would have said alone."""

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from core.generation import shared_prefix

SMALL = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "initializer_range": 0.6,  # so that what is said depends on what was read
    "pad_token_id": 0,
    "eos_token_id": 1,
}
PREFIX = [5, 9, 11, 40, 33, 2, 17, 80]
RESTS = [[3, 8], [60, 61, 62, 63, 64], [7], [44, 45, 46]]
NEW = 12


def model(family=LlamaForCausalLM, config=LlamaConfig, **more):
    torch.manual_seed(0)
    return family(config(**SMALL, **more)).eval()


def decode(made, ends=(1,), stopped=lambda: False) -> list[list[int]]:
    return shared_prefix.decode(
        made,
        shared_prefix.read_prefix(made, PREFIX),
        RESTS,
        limit=NEW,
        ends=ends,
        pick=lambda scores, rows: scores,
        stopped=stopped,
    )


def alone(made, ends=(1,)) -> list[list[int]]:
    settings = GenerationConfig(max_new_tokens=NEW, do_sample=False, eos_token_id=list(ends), pad_token_id=0)
    return [
        made.generate(input_ids=torch.tensor([PREFIX + rest]), generation_config=settings)[0][
            len(PREFIX + rest) :
        ].tolist()
        for rest in RESTS
    ]


@pytest.mark.parametrize(("family", "config"), [(LlamaForCausalLM, LlamaConfig), (Qwen3ForCausalLM, Qwen3Config)])
def test_no_token_is_changed(family, config):
    expected = alone(model(family, config))
    assert len({tuple(said) for said in expected}) > 1
    made = model(family, config)
    assert shared_prefix.possible(made)
    assert decode(made) == expected


def test_no_token_is_changed_when_a_large_batch_is_gone_through_in_parts(monkeypatch):
    monkeypatch.setattr(shared_prefix, "SCORES", 1)
    made = model()
    assert shared_prefix.possible(made)
    assert decode(made) == alone(model())


def test_answers_that_have_ended_leave_the_batch():
    ends = {said[3] for said in alone(model())[:2]}  # at least two of the four answers end with their fourth token
    made = model()
    assert shared_prefix.possible(made)
    sizes = []
    made.register_forward_pre_hook(
        lambda _module, _args, named: sizes.append(len(named["input_ids"])), with_kwargs=True
    )
    said = decode(made, ends=tuple(ends))
    assert said == alone(model(), ends=tuple(ends))
    assert sizes[1] == 4  # after the prefix
    assert sizes[-1] < 4 or len(sizes) == 5


def test_a_stop_leaves_answers_unfinished():
    made = model()
    assert shared_prefix.possible(made)
    assert {len(said) for said in decode(made, ends=(96,), stopped=lambda: True)} == {1}


def test_a_model_whose_attention_is_not_the_usual_one_is_left_alone():
    capped = model(Gemma2ForCausalLM, Gemma2Config, attn_logit_softcapping=1.0, query_pre_attn_scalar=8)
    before = capped.config._attn_implementation
    assert not shared_prefix.possible(capped)
    assert capped.config._attn_implementation == before
