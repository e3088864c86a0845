"""Search in the passages of one index version, kept in a folder and read from there without loading it whole.

The folder says itself how it is searched, so that it can be taken elsewhere: by words (BM25), by meaning (dense), or by
both (hybrid).
"""

import json
import shutil
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import bm25s
import numpy as np
from numpy.typing import NDArray

from core.knowledge import bm25, dense, embedders, words
from core.knowledge.embedders import Embedder

Method = Literal["bm25", "dense", "hybrid"]

_IDS, _VECTORS, _WAY = "ids.npy", "vectors.npy", "way.json"
_building = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage that was found; the score says something only beside those of the same question."""

    passage_id: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    method: Method
    embedder: Embedder | None
    ids: Any
    engine: Any
    """None when not a single word is in the passages."""
    vectors: Any


def build(
    folder: Path,
    passages: Iterable[tuple[str, str]],
    method: Method = "bm25",
    embedder: Embedder | None = None,
    vectors: NDArray[np.float32] | None = None,
) -> None:
    """Write the index of the passages, given as id and text, into the folder, which is there whole or not at all.

    The passages are taken one after the other and their texts are not held, so that they may come from a database. The
    vectors, passages × dimensions, and what made them are for the methods that need them.
    """
    with _building:
        if folder.exists():
            return
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        ids: list[bytes] = []
        taken = _texts(passages, ids)
        if method != "dense" and (engine := bm25.build(words.of(text) for text in taken)):
            engine.save(partial)
            del engine  # as large as what it wrote
        deque(taken, maxlen=0)  # whatever nobody has read
        if embedder is not None and vectors is not None:
            np.save(partial / _VECTORS, vectors)
            (partial / _WAY).write_text(json.dumps({"method": method, "embedder": embedder.row()}), "utf-8")
        np.save(partial / _IDS, np.array(ids))
        partial.replace(folder)


def _texts(passages: Iterable[tuple[str, str]], ids: list[bytes]) -> Iterator[str]:
    """The texts as they come, with their ids put down on the way."""
    for passage_id, text in passages:
        ids.append(passage_id.encode())
        yield text


@lru_cache(maxsize=4)
def _open(folder: Path) -> _Index:
    there = (folder / _WAY).exists()
    way: dict[str, Any] = json.loads((folder / _WAY).read_text("utf-8")) if there else {"method": "bm25"}
    return _Index(
        method=way["method"],
        embedder=Embedder(**way["embedder"]) if there else None,
        ids=np.load(folder / _IDS, mmap_mode="r"),
        engine=bm25s.BM25.load(folder, mmap=True) if (folder / "params.index.json").exists() else None,
        vectors=np.load(folder / _VECTORS, mmap_mode="r") if there else None,
    )


def search(folder: Path, question: str, k: int) -> list[Hit]:
    """The up to `k` passages that fit the question, the best first; equal ones in their order.

    Raises Refusal when its vector cannot be had, where one is needed.
    """
    return search_all(folder, [question], k)[0]


def search_all(folder: Path, questions: Sequence[str], k: int) -> list[list[Hit]]:
    """The same for many questions at once, whose vectors are asked for together."""
    index = _open(folder)
    if index.embedder is None:
        return [_hits(index, _by_words(index, question, k)) for question in questions]
    if not questions:
        return []
    asked = embedders.questions(index.embedder, questions)
    if index.method == "dense":
        return [_hits(index, dense.search(index.vectors, vector, k)) for vector in asked]
    deep = max(k, dense.DEPTH)
    return [
        _hits(index, dense.fused([_by_words(index, question, deep), dense.search(index.vectors, vector, deep)], k))
        for question, vector in zip(questions, asked, strict=True)
    ]


def _by_words(index: _Index, question: str, k: int) -> dense.Ranked:
    """The passages that share words with the question, by BM25."""
    asked = [word for word in words.of(question) if index.engine is not None and word in index.engine.vocab_dict]
    return dense.best(index.engine.get_scores(asked), k, above=0.0) if asked else []


def _hits(index: _Index, found: dense.Ranked) -> list[Hit]:
    return [Hit(passage_id=bytes(index.ids[place]).decode(), score=score) for place, score in found]
