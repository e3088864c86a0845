"""Format stability: do repeats of the same question come out the same? (Atil et al. 2024: TARr@N and TARa@N.)"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.scoring.scorers import Scorer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """One sample's repeats: the same to the letter, the same in what they come down to, valid in every one.

    `valid` is None where the scorer knows no format.
    """

    raw: bool
    parsed: bool
    valid: bool | None


def measure(scorer: Scorer, answers: Sequence[str], valid: Sequence[float | None] = ()) -> Stability | None:
    """The stability of these answers to one question; None for fewer than two, which cannot differ."""
    if len(answers) < 2:
        return None
    known = [value for value in valid if value is not None]
    return Stability(
        raw=len(set(answers)) == 1,
        parsed=len({scorer.method.parsed(answer) for answer in answers}) == 1,
        valid=all(value == 1 for value in known) if len(known) == len(answers) else None,
    )
