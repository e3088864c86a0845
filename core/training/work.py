"""The job that teaches a model: rows and recipe in, an adapter out."""

from pathlib import Path
from typing import Any

from core.jobs import folder as job_folder
from core.training import recipes


def work(folder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Train on `train.jsonl` (and `replay.jsonl`, if there is one) and leave `adapter/` in the folder.

    Rows are `{"messages": [...], "completion": text}`. A killed job goes on from its last checkpoint, a stopped one
    keeps what it has learned.
    """
    recipe = recipes.read(spec["recipe"])
    rows = list(job_folder.read_lines(folder / "train.jsonl"))
    replay = list(job_folder.read_lines(folder / "replay.jsonl"))
    from core.training import lora  # torch, when the recipe is known to be good

    return lora.train(folder, Path(spec["base"]), recipe, rows, replay)
