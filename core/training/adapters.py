"""An adapter on its way to the disk, whole or not at all; and where a killed training goes on. Workers only (torch)."""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from core.generation import weights


def last_checkpoint(checkpoints: Path) -> str | None:
    """The newest checkpoint that was written to its end: the trainer's state is its last file, and is whole."""
    found = [path.parent for path in checkpoints.glob("checkpoint-*/trainer_state.json") if _is_whole(path)]
    return str(max(found, key=lambda path: int(path.name.partition("-")[2]))) if found else None


def _is_whole(state: Path) -> bool:
    """A kill may fall into the middle of writing it."""
    try:
        json.loads(state.read_text("utf-8"))
    except ValueError:
        return False
    return True


def save(model: Any, target: Path, base: Path) -> None:
    """Write the adapter, with the hash of its base in the file's header, and put it in place in one step."""
    partial = target.with_name(target.name + ".partial")
    made = partial / "made"
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(made)
    tensors = load_file(made / "adapter_model.safetensors")
    metadata = {"format": "pt", "base": weights.identity(base)}
    save_file(tensors, partial / "adapter_model.safetensors", metadata)
    (made / "adapter_config.json").replace(partial / "adapter_config.json")
    shutil.rmtree(made)
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)


def keep(best: Path | None, adapter: Path) -> bool:
    """Put the best adapter in the place of the finished one, whole or not at all; whether there was one."""
    if best is None:
        return False
    partial = adapter.with_name(adapter.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(best, partial)
    shutil.rmtree(adapter, ignore_errors=True)
    partial.replace(adapter)
    return True
