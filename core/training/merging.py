"""A tuned model as files that other programs load. Workers only (torch)."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from core import content
from core.errors import Refusal
from core.generation import local, weights
from core.generation.base import Decoding, Request
from core.jobs import folder as job_folder
from core.locale.mark import N_
from core.training import lora

CHECKED = 8
"""So many answers of the merged model are held against those of base and adapter."""


def work(folder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Merge `spec["adapter"]` into `spec["base"]` and leave a model folder in `spec["into"]`, with a Modelfile.

    The answers to `spec["prompts"]` (messages) before and after merging are compared; Refusal, and no folder, if not
    one agrees. Weights are safetensors in the precision of the base's files.
    """
    base, adapter, into = Path(spec["base"]), Path(spec["adapter"]), Path(spec["into"])
    prompts: Sequence[Any] = spec["prompts"][:CHECKED]
    partial = into.with_name(into.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with lora.named():
        job_folder.tell(folder, "phase", name="loading model")
        device, kept = weights.device(), weights.kept_in(base)
        # Weights kept in full precision are merged and asked in it: rounded, they would answer otherwise by themselves.
        dtype = kept if kept is torch.float32 else weights.precision(device)
        generator = local.load(base, adapter, device=device, dtype=dtype)
        before = _answers(generator, prompts)
        job_folder.tell(folder, "phase", name="merging")
        assert isinstance(generator.model, PeftModel)
        merged = generator.model.merge_and_unload(safe_merge=True).to(kept)
        merged.save_pretrained(partial)
        generator.tokenizer.save_pretrained(partial)
        (partial / "Modelfile").write_text(modelfile(generator.tokenizer, generator.ends), "utf-8")
        del generator, merged
        job_folder.tell(folder, "phase", name="checking")
        after = _answers(local.load(partial, device=device, dtype=dtype), prompts)
    same = sum(one == other for one, other in zip(before, after, strict=True))
    if prompts and not same:
        shutil.rmtree(partial)
        raise Refusal(
            N_("Merged into the base, the model gives other answers to all of %(count)s questions. Use the adapter."),
            count=len(prompts),
        )
    shutil.rmtree(into, ignore_errors=True)
    into.parent.mkdir(parents=True, exist_ok=True)
    partial.replace(into)
    files = {path.name: content.file_digest(path) for path in sorted(into.iterdir())}
    return {"merged": str(into), "files": files, "checked": len(prompts), "same": same}


def _answers(generator: local.LocalGenerator, prompts: Sequence[Any]) -> list[str | None]:
    asked = [Request(key=str(number), messages=tuple(messages)) for number, messages in enumerate(prompts)]
    with torch.no_grad():
        found = {one.key: one.text for batch in generator.generate(asked, Decoding()) for one in batch}
    return [found[request.key] for request in asked]


def modelfile(tokenizer: Any, ends: Sequence[int]) -> str:
    """For `ollama create NAME -f Modelfile`: it converts the folder, takes the chat template from the tokenizer where
    it knows it, and is told where answers end, so that they do."""
    stops = "".join(f'PARAMETER stop "{tokenizer.convert_ids_to_tokens(end)}"\n' for end in ends)
    return f"FROM .\nPARAMETER temperature 0\n{stops}"
