"""MinHash sketches of many short texts at once: datasketch's own, with its loop over 3-grams done by numpy.

Of each sketch its bands are kept, a number of 8 bytes each, and compared by sorting: an index of sets, as datasketch
keeps it, takes thirty times the memory.
"""

from collections.abc import Callable, Sequence

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

PERMUTATIONS = 64
SCHEME = "affine32"
"""Of datasketch's ways to permute hashes, the one that needs 32 bits only."""
BANDS, ROWS = 14, 4
"""What datasketch's MinHashLSH makes of 64 permutations for texts of which half the 3-grams are the same."""
AT_ONCE = 20_000
"""Characters that are sketched together, 64 numbers of 4 bytes each."""

_FACTORS, _SUMMANDS = MinHash(num_perm=PERMUTATIONS, scheme=SCHEME).permutations
_NONE = np.uint32(2**32 - 1)


Bands = NDArray[np.uint64]
"""A row for each text, a column for each band: who has the same number in one of them is worth a comparison."""


def of(texts: Sequence[str], progress: Callable[[float], object]) -> Bands:
    """The bands of each text's sketch over its character 3-grams; a shorter text is one gram."""
    found = np.empty((len(texts), BANDS), dtype=np.uint64)
    start = size = 0
    for place, text in enumerate(texts):
        size += max(3, len(text))
        if size >= AT_ONCE or place == len(texts) - 1:
            batch = [one.ljust(3, "\0") for one in texts[start : place + 1]]
            found[start : place + 1] = _bands(_minima(batch))
            start, size = place + 1, 0
            progress(start / len(texts))
    return found


def buckets(bands: Bands) -> NDArray[np.int32]:
    """For each text and band the number of the bucket, counted over all bands; -1 where the text is alone in it."""
    found = np.empty(bands.shape, dtype=np.int32)
    known = 0
    for band in range(bands.shape[1]):
        _, number, count = np.unique(bands[:, band], return_inverse=True, return_counts=True)
        found[:, band] = np.where(count[number] > 1, number + known, -1)
        known += len(count)
    return found


def _bands(least: NDArray[np.uint32]) -> Bands:
    rows = least[:, : BANDS * ROWS].reshape(-1, BANDS, ROWS).astype(np.uint64)
    one, two = (rows[..., place] | rows[..., place + 1] << np.uint64(32) for place in (0, 2))
    return _mixed(_mixed(one) ^ two)


def _minima(texts: list[str]) -> NDArray[np.uint32]:
    """For each text of three characters or more, and each permutation, the least value of any of its grams."""
    ends = np.cumsum([len(text) for text in texts])
    starts = np.concatenate(([0], ends[:-1]))
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    grams = letters.copy()  # a character takes 21 bits, so that three of them are one number
    grams[:-1] += letters[1:] << np.uint64(21)
    grams[:-2] += letters[2:] << np.uint64(42)
    values: NDArray[np.uint32] = _mixed(grams).astype(np.uint32)[:, None] * _FACTORS + _SUMMANDS
    values[ends - 1] = values[ends - 2] = _NONE  # these would reach into the next text
    least: NDArray[np.uint32] = np.minimum.reduceat(values, starts, axis=0)
    return least


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each number as another whose bits all depend on all of its own: the end of MurmurHash3 (Appleby 2011)."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        numbers = (numbers ^ (numbers >> np.uint64(33))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(33))
