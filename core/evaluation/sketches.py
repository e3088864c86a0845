"""MinHash sketches of many short texts at once: datasketch's own, with its loop over 3-grams done by numpy."""

from collections.abc import Iterator, Sequence

import numpy as np
from datasketch import LeanMinHash, MinHash
from numpy.typing import NDArray

PERMUTATIONS = 64
SCHEME = "affine32"
"""Of datasketch's ways to permute hashes, the one that needs 32 bits only."""
AT_ONCE = 20_000
"""Characters that are sketched together, 64 numbers of 4 bytes each."""

_FACTORS, _SUMMANDS = MinHash(num_perm=PERMUTATIONS, scheme=SCHEME).permutations
_NONE = np.uint32(2**32 - 1)


def of(texts: Sequence[str]) -> Iterator[LeanMinHash]:
    """The sketch of each text's character 3-grams; a shorter text is one gram."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text.ljust(3, "\0"))
        size += len(batch[-1])
        if size >= AT_ONCE:
            yield from _sketches(batch)
            batch, size = [], 0
    if batch:
        yield from _sketches(batch)


def _sketches(texts: list[str]) -> Iterator[LeanMinHash]:
    for values in _minima(texts):
        yield LeanMinHash(seed=1, hashvalues=values, scheme=SCHEME)


def _minima(texts: list[str]) -> NDArray[np.uint32]:
    """For each text of three characters or more, and each permutation, the least value of any of its grams."""
    ends = np.cumsum([len(text) for text in texts])
    starts = np.concatenate(([0], ends[:-1]))
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    grams = letters.copy()  # a character takes 21 bits, so that three of them are one number
    grams[:-1] += letters[1:] << np.uint64(21)
    grams[:-2] += letters[2:] << np.uint64(42)
    values: NDArray[np.uint32] = _mixed(grams)[:, None] * _FACTORS + _SUMMANDS
    values[ends - 1] = values[ends - 2] = _NONE  # these would reach into the next text
    least: NDArray[np.uint32] = np.minimum.reduceat(values, starts, axis=0)
    return least


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Each number as 32 bits that all depend on all of its own: the end of MurmurHash3 (Appleby 2011)."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        numbers = (numbers ^ (numbers >> np.uint64(33))) * np.uint64(factor)
    return (numbers ^ (numbers >> np.uint64(33))).astype(np.uint32)
