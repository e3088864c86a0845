"""Does anything locked look like something we are about to learn from?"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rapidfuzz import fuzz, process
from scipy import sparse

NEAR = 90.0
"""From this rapidfuzz ratio (0..100) on, two texts count as the same question in other words."""


PERHAPS = 30.0
"""From this share (0..100) of common 3-grams on, somebody should read both: a paraphrase leaves about a third."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Train text number `train` is too much like locked text number `locked`; likeness in 0..100."""

    train: int
    locked: int
    likeness: float


def normal(text: str) -> str:
    """The text without what does not matter: width, case, white space."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())


def overlaps(train: Sequence[str], locked: Sequence[str], near: float = NEAR) -> list[Overlap]:
    """Each train text's nearest locked text, for those that are equal or nearly so."""
    texts, known = _compared(tuple(locked), near)
    new = list(dict.fromkeys(text for text in train if text not in known))
    for start in range(0, len(new) if texts else 0, 256):
        some = new[start : start + 256]
        likeness = process.cdist(
            [normal(text) for text in some], texts, scorer=fuzz.ratio, score_cutoff=near, dtype=np.float32, workers=2
        )
        for text, row, nearest in zip(some, likeness, likeness.argmax(axis=1).tolist(), strict=True):
            known[text] = (nearest, round(float(row[nearest]), 1))
    found = [(number, *known.get(text, (0, 0.0))) for number, text in enumerate(train)]
    return [Overlap(train=number, locked=place, likeness=like) for number, place, like in found if like >= near]


@lru_cache(maxsize=2)  # every click on a page asks again, and large sets take seconds
def _compared(locked: tuple[str, ...], near: float) -> tuple[list[str], dict[str, tuple[int, float]]]:
    """The locked texts without what does not matter; then, for train texts compared with them since, the place and
    the likeness of the nearest, 0 where it is below `near`."""
    return [normal(text) for text in locked], {}


def paraphrases(train: Sequence[str], locked: Sequence[str], least: float = PERHAPS) -> list[Overlap]:
    """Each train text's likest locked text by the 3-grams of characters that both have (Jaccard, 0..100), the likest
    first; for people to read, since other words for the same question pass every measure of letters."""
    if not train or not locked:
        return []
    grams: dict[str, int] = {}
    ours, theirs = ([_grams(text, grams) for text in texts] for texts in (train, locked))
    one, two = (_matrix(rows, len(grams)) for rows in (ours, theirs))
    sizes = np.array([len(row) for row in theirs])
    found = []
    for start in range(0, len(ours), 256):
        common = (one[start : start + 256] @ two.T).toarray()
        mine = np.array([len(row) for row in ours[start : start + 256]])
        likeness = 100.0 * common / (mine[:, None] + sizes - common)
        for row, nearest in enumerate(likeness.argmax(axis=1)):
            if likeness[row, nearest] >= least:
                share = round(float(likeness[row, nearest]), 1)
                found.append(Overlap(train=start + row, locked=int(nearest), likeness=share))
    return sorted(found, key=lambda pair: -pair.likeness)


def _grams(text: str, known: dict[str, int]) -> set[int]:
    """The numbers of the text's 3-grams; a shorter text is one gram."""
    letters = normal(text)
    return {known.setdefault(letters[at : at + 3], len(known)) for at in range(max(1, len(letters) - 2))}


def _matrix(rows: Sequence[set[int]], width: int) -> sparse.csr_array:
    places = [place for place, row in enumerate(rows) for _ in row]
    columns = [column for row in rows for column in row]
    return sparse.csr_array((np.ones(len(places)), (places, columns)), shape=(len(rows), width))
