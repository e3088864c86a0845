"""BM25 over the passages of one index version, kept in a folder and read from there without loading it whole."""

import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import bm25s
import numpy as np

from core.knowledge import words

_IDS = "ids.npy"
_building = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage that was found; the score says something only beside those of the same question."""

    passage_id: str
    score: float


def build(folder: Path, passages: Sequence[tuple[str, str]]) -> None:
    """Write the index of the passages, given as id and text, into the folder, which is there whole or not at all."""
    with _building:
        if folder.exists():
            return
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        found = [words.of(text) for _, text in passages]
        if any(found):
            engine = bm25s.BM25(method="lucene")
            engine.index(found, show_progress=False)
            engine.save(partial)
        np.save(partial / _IDS, np.array([passage_id.encode() for passage_id, _ in passages]))
        partial.replace(folder)


@lru_cache(maxsize=4)
def _open(folder: Path) -> tuple[Any, Any]:
    ids = np.load(folder / _IDS, mmap_mode="r")
    if not (folder / "params.index.json").exists():
        return None, ids  # not a single word is in the passages
    return bm25s.BM25.load(folder, mmap=True), ids


def search(folder: Path, question: str, k: int) -> list[Hit]:
    """The up to `k` passages that share words with the question, the best first; equal ones in their order."""
    engine, ids = _open(folder)
    asked = [word for word in words.of(question) if engine is not None and word in engine.vocab_dict]
    if not asked:
        return []
    scores = engine.get_scores(asked)
    k = min(k, len(scores))
    best = [int(place) for place in np.argpartition(-scores, k - 1)[:k] if scores[place] > 0]
    best.sort(key=lambda place: (-scores[place], place))
    return [Hit(passage_id=bytes(ids[place]).decode(), score=float(scores[place])) for place in best]
