"""The matrix of BM25 over all passages, computed lot by lot: what bm25s does passage by passage in Python."""

from array import array
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import bm25s
import numpy as np
from scipy import sparse

LOT = 5_000
"""Passages counted together: only one lot's words are held as they came, and only one lot's weights are worked out."""


class Engine(bm25s.BM25):  # type: ignore[misc]
    """bm25s, which searches, saves and opens as always; only its building is another, with equal numbers."""

    def build_index_from_ids(
        self, unique_token_ids: Sequence[int], corpus_token_ids: "list[sparse.csc_matrix]", **_: bool
    ) -> dict[str, Any]:
        """The weights by word and passage, after Lucene: idf · f / (f + k1 (1 - b + b · length / mean length)).

        f is how often the word is in the passage, idf = ln(1 + (n - m + 1/2) / (m + 1/2)) for a word in m of n. The
        counts come in lots, passages × words, and are let go of one after the other.
        """
        lengths = np.concatenate([np.asarray(lot.sum(axis=1, dtype=np.int64)).ravel() for lot in corpus_token_ids])
        count = len(lengths)
        damping = (self.k1 * (1 - self.b + self.b * lengths / lengths.mean())).astype(np.float32)
        within = np.zeros(len(unique_token_ids), dtype=np.int32)
        for lot in corpus_token_ids:
            within[: lot.shape[1]] += np.diff(lot.indptr)
        rare = np.log1p((count - within + 0.5) / (within + 0.5)).astype(np.float32)
        ends = np.concatenate([[0], np.cumsum(within)]).astype(np.int32)
        weights, indices = np.empty(ends[-1], dtype=np.float32), np.empty(ends[-1], dtype=np.int32)
        free, before = ends[:-1].copy(), 0
        corpus_token_ids.reverse()
        while corpus_token_ids:
            lot = corpus_token_ids.pop()
            here = np.diff(lot.indptr)
            places = np.repeat(free[: len(here)] - lot.indptr[:-1], here) + np.arange(lot.nnz, dtype=np.int32)
            indices[places] = lot.indices + before
            weights[places] = lot.data / (lot.data + damping[lot.indices + before]) * np.repeat(rare[: len(here)], here)
            free[: len(here)] += here
            before += lot.shape[0]
        self.nonoccurrence_array = None
        return {"data": weights, "indices": indices, "indptr": ends, "num_docs": count}


def build(passages: Iterable[Sequence[str]]) -> Engine | None:
    """The engine over passages given as their words; None when there is not a single word."""
    known: dict[str, int] = {}
    given = iter(passages)
    counted: list[sparse.csc_matrix] = []
    while lot := [array("i", [known.setdefault(word, len(known)) for word in one]) for one in islice(given, LOT)]:
        counted.append(_counted(lot, len(known)))
    if not known:
        return None
    engine = Engine(method="lucene")
    engine.index((counted, known), show_progress=False)
    return engine


def _counted(lot: "Sequence[array[int]]", words: int) -> sparse.csc_matrix:
    """How often each word is in each passage of the lot; a passage has far fewer than 65,536 words."""
    found = np.concatenate([np.frombuffer(one, dtype=np.int32) for one in lot])
    places = np.repeat(np.arange(len(lot), dtype=np.int32), [len(one) for one in lot])
    ones = np.ones(len(found), dtype=np.uint16)
    # A copy, since what counts repeated words keeps the room of every one of them.
    return sparse.csc_matrix((ones, (places, found)), shape=(len(lot), words)).copy()
