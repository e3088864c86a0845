"""Which prompts are worth answering together: those that begin alike pay for their common beginning once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Prompts (`members`, positions in the caller's list) whose first `prefix` tokens are the same."""

    prefix: int
    members: tuple[int, ...]

    @property
    def saved(self) -> int:
        """Tokens that need not be read again, since one reading of the prefix serves all."""
        return self.prefix * (len(self.members) - 1)


def groups(prompts: Sequence[Sequence[int]], *, cost: float) -> list[Group]:
    """Split token sequences where neighbours in sorted order have too little in common.

    How little is too little is tried out: of all thresholds, the one that saves most tokens wins, where each group
    costs `cost` tokens of extra decoding. Every prompt keeps at least one token of its own, because the model needs
    one to predict the next.
    """
    order = sorted(range(len(prompts)), key=lambda position: prompts[position])
    shared = [_common(prompts[left], prompts[right]) for left, right in pairwise(order)]

    def split(least: int) -> list[Group]:
        cuts = [0, *(at + 1 for at, common in enumerate(shared) if common < least), len(order)]
        return [
            Group(
                prefix=min([*shared[start : end - 1], *(len(prompts[at]) - 1 for at in order[start:end])]),
                members=tuple(order[start:end]),
            )
            for start, end in pairwise(cuts)
        ]

    if not prompts:
        return []
    return max(map(split, sorted({0, *shared})), key=lambda found: sum(group.saved - cost for group in found))


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two sequences have in common from the start."""
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
