"""A worker's part in a knowledge base: the vectors of its passages, lot by lot. It never sees the database."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Refusal
from core.generation import embedding
from core.jobs import folder as job_folder
from core.knowledge import encoders
from core.locale.mark import N_

LOT = 512
"""Texts that are safe together; an endpoint reads them in several calls at once."""
SMALL_LOT = 64
"""The same for a model on this machine, which may take a second for a few of them."""


def work(folder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """A vector for each of `texts.jsonl`, in shards; those that an earlier worker left are not asked for again.

    Raises Refusal when one cannot be had, or does not fit those of `length` numbers that the model gave before.
    """
    embedder, length = spec["embedder"], spec["length"]
    there = {row["text_id"] for shard in job_folder.shards(folder) for row in job_folder.read_lines(shard)}
    every = list(job_folder.read_lines(folder / "texts.jsonl"))
    wanted = [row for row in every if row["text_id"] not in there]
    total = max(spec["total"], len(every))
    job_folder.tell(folder, "phase", name="embedding")
    job_folder.tell(folder, "progress", done=total - len(wanted), total=total)
    size = SMALL_LOT if embedder["path"] else LOT
    for start in range(0, len(wanted), size):
        if job_folder.asked_to_stop(folder):
            return {"stopped": True}
        lot = wanted[start : start + size]
        found = _vectors(embedder, [row["text"] for row in lot])
        length = length or found.shape[1]
        if found.shape[1] != length:
            raise Refusal(
                N_("The vectors of %(model)s have %(now)s numbers now, and had %(before)s before: it is another model. "
                   "Let it answer under a name of its own."),
                model=embedder["model"], now=found.shape[1], before=length,
            )  # fmt: skip
        told = (base64.b64encode(vector.astype("<f4").tobytes()).decode() for vector in found)
        job_folder.add_shard(
            folder, [{"text_id": row["text_id"], "vector": one} for row, one in zip(lot, told, strict=True)]
        )
        job_folder.tell(folder, "progress", done=total - len(wanted) + start + len(lot), total=total)
    return {}


def _vectors(embedder: dict[str, Any], texts: list[str]) -> NDArray[np.float32]:
    if embedder["path"]:
        return encoders.encode(embedder["path"], texts, question=False)
    called = {name: embedder[name] for name in ("base_url", "model", "key_env")}
    return embedding.embed(**called, texts=texts)
