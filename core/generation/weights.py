"""Model folders on this machine: what is in them, what is accepted, and how they are loaded. Workers only (torch)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.utils import logging

from core import content
from core.errors import Refusal
from core.generation.base import Message
from core.locale.mark import N_

logging.disable_progress_bar()


def device() -> str:
    """Where models run: the GPU if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def precision(device: str) -> torch.dtype:
    """bfloat16 where the hardware multiplies it; elsewhere float32, since emulation is a hundred times slower."""
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    able = torch.cpu.get_capabilities() if device == "cpu" else {}
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32


def placement(device: str) -> str | None:
    """Where the parts of a model that learns go: over all GPUs, if there are several; None for where it is loaded."""
    return "auto" if device == "cuda" and torch.cuda.device_count() > 1 else None


def check(path: Path) -> list[Path]:
    """The weight files of a model folder; Refusal unless they are safetensors."""
    found = sorted(path.glob("*.safetensors"))
    if not (path / "config.json").is_file() or not found:
        raise Refusal(
            N_(
                "%(path)s is not a model folder that can be used: it needs config.json and weights in .safetensors "
                "files (.bin and .pt files can run code when they are opened, so they are not accepted). Convert the "
                "weights to safetensors or choose another folder."
            ),
            path=path,
        )
    return found


def kept_in(path: Path) -> torch.dtype:
    """The precision of a model folder's weights, of the first of them where they differ."""
    with safe_open(check(path)[0], framework="pt") as opened:
        first: torch.Tensor = opened.get_tensor(min(opened.keys()))
    return first.dtype


def identity(path: Path) -> str:
    """What an adapter remembers its base by: the hash of the hashes of the weight files."""
    return content.digest({file.name: content.file_digest(file) for file in check(path)})


def model(path: Path, *, device: str, dtype: torch.dtype, quantized: bool = False, spread: bool = False) -> Any:
    """The causal language model of a folder, in evaluation mode; code that came with it is never run.

    Quantized, its linear layers are held in 4 bits (NF4, Dettmers et al., 2023, "QLoRA") and computed in `dtype`.
    Spread, each of several GPUs holds a part of the layers (accelerate divides them): they take a model that is too
    large for one, and transformers does not cut batches in pieces for them, which these batches could not bear.
    """
    check(path)
    places = placement(device) if spread else None
    how: dict[str, Any] = {"device_map": places} if places else {}
    if quantized:
        how["device_map"] = places or {"": device}
        how["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    try:
        loaded = AutoModelForCausalLM.from_pretrained(
            path, dtype=dtype, use_safetensors=True, local_files_only=True, trust_remote_code=False, **how
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if out_of_memory(error):
            raise MemoryError from error
        raise Refusal(
            N_(
                "The model in %(path)s cannot be loaded: %(reason)s. Check that the folder is complete and holds a "
                "text model that needs no code of its own."
            ),
            path=path,
            reason=str(error).strip().partition("\n")[0][:200],
        ) from error
    return (loaded if "device_map" in how else loaded.to(device)).eval()


def out_of_memory(error: BaseException) -> bool:
    """Whether torch asked for memory and got none: an error of its own on a GPU, a RuntimeError on a CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def tokenizer(path: Path) -> Any:
    """The tokenizer of a folder, with its chat template; Refusal if either is missing."""
    try:
        loaded = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(
            N_(
                "The model folder %(path)s has no tokenizer that can be loaded. Copy tokenizer.json and "
                "tokenizer_config.json of the same model into it."
            ),
            path=path,
        ) from error
    if not loaded.chat_template:
        raise Refusal(
            N_(
                "The tokenizer in %(path)s has no chat template, so nothing says how the model expects to be asked. "
                "Use the instruct or chat variant of the model, or add its chat_template.jinja to the folder."
            ),
            path=path,
        )
    return loaded


def prompt(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The tokens of a conversation up to where the answer begins; training and answering must agree on them."""
    # Models that can think aloud first are asked not to; other templates do not look at this switch.
    encoded = tokenizer.apply_chat_template(
        list(messages), add_generation_prompt=True, return_dict=True, enable_thinking=False
    )
    return list(encoded["input_ids"])


def ends(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end an answer."""
    told = model.generation_config.eos_token_id
    found = {*(told if isinstance(told, list) else [told]), tokenizer.eos_token_id}
    return sorted(end for end in found if end is not None)


def sees_all(model: Any) -> bool:
    """Whether every layer looks back at every token: only then can prompts share the work on their beginning."""
    kinds = getattr(model.config.get_text_config(), "layer_types", None) or ["full_attention"]
    return set(kinds) == {"full_attention"}


def attach(model: Any, base: Path, adapter: Path, *, name: str) -> Any:
    """Put an adapter on the model of the folder `base`, or one more; Refusal if it was not made for that base."""
    from peft import PeftModel  # takes as long to load as all else together, and a base does without it

    file = adapter / "adapter_model.safetensors"
    if not file.is_file() or not (adapter / "adapter_config.json").is_file():
        raise Refusal(
            N_(
                "%(path)s is not an adapter folder: it needs adapter_config.json and adapter_model.safetensors. "
                "Choose the folder that a training job made."
            ),
            path=adapter,
        )
    with safe_open(file, framework="pt") as opened:
        made_for = (opened.metadata() or {}).get("base")
    try:
        if made_for not in (None, identity(base)):
            raise ValueError("Another base.")
        if isinstance(model, PeftModel):
            model.load_adapter(str(adapter), adapter_name=name)
        else:
            model = PeftModel.from_pretrained(model, str(adapter), adapter_name=name)
    except (RuntimeError, ValueError) as error:  # what peft raises for shapes and layers that this model does not have
        raise Refusal(
            N_(
                "The adapter in %(adapter)s was made for another base than %(base)s. Choose the base it was trained on."
            ),
            adapter=adapter,
            base=base,
        ) from error
    return model.eval()
