"""Search by meaning over the vectors of one index, read from the disk as they are needed; and two searches as one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Refusal
from core.locale.mark import N_

Ranked = list[tuple[int, float]]
"""Places of passages with their scores, the best first."""

DAMPING = 60
"""Of reciprocal rank fusion, as in Cormack, Clarke and Büttcher (2009)."""
DEPTH = 100
"""How far down each of two searches is looked at before they are joined."""


def best(scores: NDArray[np.float32], k: int, *, above: float = -np.inf) -> Ranked:
    """The up to `k` places with the highest scores, equal ones in their order."""
    k = min(k, len(scores))
    found = [int(place) for place in np.argpartition(-scores, k - 1)[:k] if scores[place] > above]
    found.sort(key=lambda place: (-scores[place], place))
    return [(place, float(scores[place])) for place in found]


def search(vectors: Any, asked: NDArray[np.float32], k: int) -> Ranked:
    """The `k` passages whose vectors are the nearest to the question's, by cosine; both have length 1."""
    if vectors.shape[1] != len(asked):
        raise Refusal(
            N_("The embedding model gives vectors of %(now)s numbers, those of the index have %(then)s: it is another "
               "model than the one the index was made with. Make a new version with it, or bring the old model back."),
            now=len(asked), then=vectors.shape[1],
        )  # fmt: skip
    return best(vectors @ asked, k)


def fused(lists: Sequence[Ranked], k: int) -> Ranked:
    """Several rankings as one: each gives a passage 1 / (60 + its place there), and what comes first anywhere counts.

    Reciprocal rank fusion; it needs no common scale of the scores.
    """
    points: dict[int, float] = {}
    for found in lists:
        for rank, (place, _) in enumerate(found, 1):
            points[place] = points.get(place, 0.0) + 1 / (DAMPING + rank)
    return sorted(points.items(), key=lambda one: (-one[1], one[0]))[:k]
