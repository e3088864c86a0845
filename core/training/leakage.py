"""Does anything locked look like something we are about to learn from?"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

NEAR = 90.0
"""From this rapidfuzz ratio (0..100) on, two texts count as the same question in other words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Train text number `train` is too much like locked text number `locked`; likeness in 0..100."""

    train: int
    locked: int
    likeness: float


def normal(text: str) -> str:
    """The text without what does not matter: width, case, white space."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()


def overlaps(train: Sequence[str], locked: Sequence[str], near: float = NEAR) -> list[Overlap]:
    """Each train text's nearest locked text, for those that are equal or nearly so."""
    ours, theirs = [normal(text) for text in train], [normal(text) for text in locked]
    found = []
    for start in range(0, len(ours) if theirs else 0, 256):
        likeness = process.cdist(
            ours[start : start + 256], theirs, scorer=fuzz.ratio, score_cutoff=near, dtype=np.float32, workers=2
        )
        for row, nearest in enumerate(likeness.argmax(axis=1)):
            if likeness[row, nearest] >= near:
                found.append(
                    Overlap(train=start + row, locked=int(nearest), likeness=round(float(likeness[row, nearest]), 1))
                )
    return found
