"""Several answers to one question: which one is worth learning."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.training import leakage


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """`value` in 0..1 is what the rule says of the text: 0 is wrong, None is not known."""

    answer_id: str
    text: str
    value: float | None


def best(candidates: Sequence[Candidate]) -> Candidate | None:
    """The one with the highest value; of equals the one that was said most often, then the first.

    What is not known to be right comes after what is. None if every candidate is wrong, or if there is none.
    """
    said = Counter(leakage.normal(one.text) for one in candidates)
    right = [one for one in candidates if one.value is None or one.value > 0]
    if not right:
        return None
    return max(right, key=lambda one: (one.value or 0.0, said[leakage.normal(one.text)]))
