"""The matrix of BM25 over all passages, computed at once: what bm25s does passage by passage in Python."""

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import bm25s
import numpy as np
from scipy import sparse


class Engine(bm25s.BM25):  # type: ignore[misc]
    """bm25s, which searches, saves and opens as always; only its building is another, with equal numbers."""

    def build_index_from_ids(
        self, unique_token_ids: Sequence[int], corpus_token_ids: Sequence["array[int]"], **_: bool
    ) -> dict[str, Any]:
        """The weights by word and passage, after Lucene: idf · f / (f + k1 (1 - b + b · length / mean length)).

        f is how often the word is in the passage, idf = ln(1 + (n - m + 1/2) / (m + 1/2)) for a word in m of n.
        """
        count = len(corpus_token_ids)
        lengths = np.array([len(passage) for passage in corpus_token_ids], dtype=np.float32)
        found = np.concatenate([np.frombuffer(passage, dtype=np.int32) for passage in corpus_token_ids if passage])
        places = np.repeat(np.arange(count, dtype=np.int32), lengths.astype(np.int32))
        often = sparse.csc_matrix(
            (np.ones(len(found), dtype=np.float32), (places, found)), shape=(count, len(unique_token_ids))
        )
        del found, places
        within = np.diff(often.indptr)
        rare = np.log1p((count - within + 0.5) / (within + 0.5)).astype(np.float32)
        damping = (self.k1 * (1 - self.b + self.b * lengths / lengths.mean(dtype=np.float64))).astype(np.float32)
        weights = often.data
        weights /= weights + damping[often.indices]
        weights *= np.repeat(rare, within)
        self.nonoccurrence_array = None
        return {"data": weights, "indices": often.indices, "indptr": often.indptr, "num_docs": count}


def build(passages: Iterable[Sequence[str]]) -> Engine | None:
    """The engine over passages given as their words; None when there is not a single word."""
    known: dict[str, int] = {}
    found = [array("i", [known.setdefault(word, len(known)) for word in passage]) for passage in passages]
    if not known:
        return None
    engine = Engine(method="lucene")
    engine.index((found, known), show_progress=False)
    return engine
