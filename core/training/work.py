"""The jobs that teach a model: rows and recipe in, an adapter out; or only a look at how that would go."""

from pathlib import Path
from typing import Any

from core.jobs import folder as job_folder
from core.training import recipes


def work(folder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Train on `train.jsonl` (and `replay.jsonl`, if there is one) and leave `adapter/` in the folder.

    Rows are `{"messages": [...], "completion": text}`, with `rejected` for DPO and `group` where some belong together.
    A killed job goes on from its last checkpoint, a stopped one keeps the best that it has learned. A spec of the kind
    `probe` takes the same inputs and returns what `probes.look` does.
    """
    recipe = recipes.read(spec["recipe"])
    rows = list(job_folder.read_lines(folder / "train.jsonl"))
    replay = list(job_folder.read_lines(folder / "replay.jsonl"))
    start = Path(spec["start"]) if spec.get("start") else None
    if spec["kind"] == "probe":
        from core.training import probes  # torch, when the recipe is known to be good

        return {"probe": probes.look(folder, Path(spec["base"]), recipe, rows, replay, start=start)}
    from core.training import lora

    return lora.train(folder, Path(spec["base"]), recipe, rows, replay, start=start)
