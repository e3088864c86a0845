"""What is chosen for a machine with GPUs, told of one: none is here, and all that is computed lies on the processor."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from core.generation import weights
from core.training import attention, lora
from core.training.recipes import Recipe
from tests import tiny


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny.model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def machine(monkeypatch):
    """A machine that says it has so many GPUs, with bfloat16 or without; what loading was asked for is kept."""
    asked = []
    real = AutoModelForCausalLM.from_pretrained

    def told(gpus: int, bfloat16: bool = True) -> list[dict]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: bfloat16)
        return asked

    def loaded(path, **how):
        asked.append(how)
        return real(path, **{name: how[name] for name in how if name not in ("device_map", "quantization_config")})

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", loaded)
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, *_: module)  # there is nowhere to go
    return told


@pytest.mark.parametrize(
    ("gpus", "bfloat16", "device", "dtype", "places"),
    [
        (1, True, "cuda", torch.bfloat16, None),
        (1, False, "cuda", torch.float32, None),  # an older card: half the speed, and no loss that overflows
        (4, True, "cuda", torch.bfloat16, "auto"),
    ],
)
def test_a_gpu_is_used_in_the_precision_it_multiplies_and_several_share_the_layers(
    machine, base, gpus, bfloat16, device, dtype, places
):
    asked = machine(gpus, bfloat16)
    assert (weights.device(), weights.precision(weights.device())) == (device, dtype)
    weights.model(base, device=weights.device(), dtype=weights.precision("cuda"), spread=True)
    assert (asked[-1]["dtype"], asked[-1].get("device_map")) == (dtype, places)
    assert (asked[-1]["trust_remote_code"], asked[-1]["use_safetensors"]) == (False, True)


@pytest.mark.parametrize(("gpus", "places"), [(1, {"": "cuda"}), (2, "auto")])
def test_qlora_holds_the_weights_in_four_bits_on_the_gpu(machine, base, gpus, places):
    asked = machine(gpus)
    weights.model(base, device="cuda", dtype=torch.bfloat16, quantized=True, spread=True)
    quantization = asked[-1]["quantization_config"]
    assert asked[-1]["device_map"] == places
    assert (quantization.load_in_4bit, quantization.bnb_4bit_quant_type) == (True, "nf4")
    assert (quantization.bnb_4bit_use_double_quant, quantization.bnb_4bit_compute_dtype) == (True, torch.bfloat16)


def test_rows_get_fused_attention_without_a_mask_anywhere_but_on_a_processor(base, monkeypatch):
    """Without a mask torch takes its flash kernel; the mask of a tree would have ruled it out."""
    seen = []

    def fused(module, query, key, value, mask, **more):
        seen.append((query.shape, mask))
        return query.transpose(1, 2), None

    monkeypatch.setattr(attention, "sdpa_attention_forward", fused)
    heads = torch.zeros(1, 4, 5, 16, device="meta")
    tree = {name: torch.zeros(shape, dtype=torch.long, device="meta") for name, shape in
            (("places", (2, 3)), ("owners", (5,)))}  # fmt: skip
    out, _ = attention.attend(None, heads, heads[:, :2], heads[:, :2], None, tree=tree)
    assert seen == [((2, 4, 3, 16), None)]
    assert out.shape == (1, 5, 4, 16)


def test_the_trainers_settings_follow_device_and_precision(base, tmp_path):
    """On the processor of this machine; `use_cpu` is what keeps a trainer from a GPU that is there."""
    tokenizer = weights.tokenizer(base)
    for dtype in (torch.bfloat16, torch.float32):
        model = lora.adapted(weights.model(base, device="cpu", dtype=dtype), base, Recipe())
        example = {"input_ids": [1, 2], "labels": [-100, 2], "replay": False}
        trainer = lora.trainer_of(model, tokenizer, Recipe(), [example], (), tmp_path, 1, dtype, "cpu")
        assert (trainer.args.bf16, trainer.args.use_cpu) == (dtype is torch.bfloat16, True)
        assert trainer.args.train_sampling_strategy == "sequential"
        assert model.config._attn_implementation == attention.NAME
        assert {weight.dtype for weight in model.parameters() if weight.requires_grad} == {torch.float32}
