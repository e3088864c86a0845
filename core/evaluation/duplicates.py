"""Near-duplicates: rows that ask the same in nearly the same words, found before they are saved.

MinHash over character 3-grams finds candidates without comparing every pair (Broder 1997); the edit ratio confirms.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from datasketch import MinHash, MinHashLSH
from rapidfuzz import fuzz

from core.evaluation import importing
from core.evaluation.importing import Row

NEAR = 90.0
"""From this rapidfuzz ratio (0..100) on, two texts count as the same question in other words; as before training."""
PERMUTATIONS = 64
CANDIDATE = 0.5
"""Jaccard likeness of the 3-grams from which on two texts are compared. A ratio of 90 in a text of 40 characters leaves
about this much; in longer texts more."""
MOST_COMPARED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Rows number `first` and `second`, counted from 0, and their likeness in 0..100."""

    first: int
    second: int
    likeness: float


def find(texts: Sequence[str], progress: Callable[[float], object] = lambda share: None) -> list[Pair]:
    """Each text's nearest earlier text that is no near-duplicate itself, for those that have one.

    Equal texts are near-duplicates, too. `progress` hears the share that is done, now and then.
    """
    index = MinHashLSH(threshold=CANDIDATE, num_perm=PERMUTATIONS)
    pairs, normal = [], [importing.normalise(text).casefold() for text in texts]
    empty = MinHash(num_perm=PERMUTATIONS, hashfunc=zlib.crc32)
    for place, text in enumerate(normal):
        if place % 500 == 0:
            progress(place / len(normal))
        sketch = empty.copy()
        sketch.update_batch({text[start : start + 3].encode() for start in range(max(1, len(text) - 2))})
        near = [(fuzz.ratio(text, normal[one], score_cutoff=NEAR), -one) for one in index.query(sketch)[:MOST_COMPARED]]
        best = max(near, default=(0.0, 0))
        if best[0] >= NEAR:
            pairs.append(Pair(first=-best[1], second=place, likeness=round(best[0], 1)))
        else:
            index.insert(place, sketch)
    return pairs


def left_out(rows: Sequence[Row], pairs: Sequence[Pair]) -> list[Row]:
    """The rows without the later one of each pair."""
    second = {pair.second for pair in pairs}
    return [row for place, row in enumerate(rows) if place not in second]


def grouped(rows: Sequence[Row], pairs: Sequence[Pair]) -> list[Row]:
    """All rows, each near-duplicate in the group of the one it is like, so that both land in the same split.

    A row whose file names another split than its twin's keeps its group.
    """
    changed = list(rows)
    for pair in pairs:
        first, second = rows[pair.first], rows[pair.second]
        if second.split == first.split:
            changed[pair.second] = replace(second, group_id=changed[pair.first].group_id)
    return changed
