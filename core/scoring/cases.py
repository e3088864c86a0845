"""What a scorer is given and what it gives back. Every text is untrusted; no scorer may raise on one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

NO_REFERENCE = "The sample has no reference."


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A value in 0..1, or None when it cannot be said; the reason tells why it is not 1."""

    metric: str
    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One answer beside all that it may be held against."""

    answer: str
    reference: str = ""
    schema: Mapping[str, Any] | None = None
    question: str = ""
    context: str = ""


class Method(Protocol):
    """One way to score, with its options; two that are equal give the same scores."""

    VERSION: ClassVar[int]
    """Raised when the same options begin to give other scores."""

    def score(self, case: Case) -> list[Score]:
        """The metrics in the order of `metrics`."""
        ...

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        """The names of the metrics, the one to lead with first; `fields` are the reference's."""
        ...

    def parsed(self, answer: str) -> str:
        """What the answer comes down to: two answers of which this is the same say the same."""
        ...


def correct(value: bool, reason: str) -> Score:
    """Right or wrong; the reason is kept for what is wrong."""
    return Score(metric="correct", value=float(value), reason="" if value else reason)


def unknown(reason: str = NO_REFERENCE, metric: str = "correct") -> Score:
    """A score that cannot be said."""
    return Score(metric=metric, value=None, reason=reason)
