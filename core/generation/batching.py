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


def groups(prompts: Sequence[list[int]], *, cost: float) -> list[Group]:
    """Bring together the prompts that save most by sharing their beginning.

    In sorted order, prompts that begin alike stand next to each other. Again and again the run of neighbours is taken
    out that saves most tokens beyond what all that stand around it have in common, until none saves more than `cost`,
    what another group costs in tokens of decoding. So each rung of a ladder becomes a group, though some share much
    with each other and others little among themselves. Every prompt keeps at least one token of its own, because the
    model needs one to predict the next.
    """
    order = sorted(range(len(prompts)), key=lambda position: prompts[position])
    shared = [_common(prompts[left], prompts[right]) for left, right in pairwise(order)]
    found, waiting = [], [(order, shared)] if prompts else []
    while waiting:
        members, shared = waiting.pop()
        least = min(shared, default=0)
        start, end, saved = _largest_rectangle([common - least for common in shared])
        if saved > cost:
            waiting.append((members[start : end + 1], shared[start:end]))
            rest = members[:start] + members[end + 1 :]
            seam = [min(shared[start - 1 : end + 1])] if start > 0 and end < len(shared) else []
            if rest:
                waiting.append((rest, shared[: max(start - 1, 0)] + seam + shared[end + 1 :]))
        else:
            longest = min(len(prompts[member]) - 1 for member in members)
            found.append(Group(prefix=min([*shared, longest]), members=tuple(members)))
    return found


def _largest_rectangle(heights: Sequence[int]) -> tuple[int, int, int]:
    """The largest rectangle under a histogram: its first column, the one after its last, and its area.

    The textbook way with a stack of rising columns, in linear time.
    """
    best = (0, 0, 0)
    rising: list[tuple[int, int]] = []  # where a rectangle of this height may begin, and the height
    for at, height in enumerate([*heights, 0]):
        start = at
        while rising and rising[-1][1] >= height:
            start, tall = rising.pop()
            if tall * (at - start) > best[2]:
                best = (start, at, tall * (at - start))
        rising.append((start, height))
    return best


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two sequences have in common from the start."""
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
