"""Numbers as people write them: 1,200.50, ￥1200.5, 1.2 thousand, 0.12万元, 5%, 百分之五 with digits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal, NamedTuple, get_args

from core.errors import Refusal
from core.locale.mark import N_
from core.scoring import cases, texts
from core.scoring.cases import Case, Score

Which = Literal["only", "first", "last"]
SCALES = {
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "千": 10**3,
    "万": 10**4,
    "百万": 10**6,
    "千万": 10**7,
    "亿": 10**8,
    "万亿": 10**12,
}
PERCENT = ("%", "percent", "per cent")
LONGEST_NUMBER = 40
"""Digits of a number; what is longer is an identifier."""
MOST_UNITS = 40

_NUMBER = re.compile(
    r"(?P<of_hundred>百分之\s*)?(?<![a-z0-9.])(?P<sign>(?<![a-z0-9])[-+])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?![\d,])|\d+|(?=\.\d))(?P<rest>(?:\.\d+)?(?:e[-+]?\d{1,2}(?!\d))?)"
)
_SCALE = re.compile(r"\s*(" + "|".join(sorted(SCALES, key=len, reverse=True)) + ")")


class Amount(NamedTuple):
    """A number in the first of the units; `unit` is what it was written with, "" for none."""

    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """The number in the answer is that of the reference, within a tolerance.

    `tolerance` is absolute, `percent` is relative to the reference; the wider one counts. `units` are names with what
    one of them is worth, such as `元, CNY; 角 = 0.1; 万元 = 10000`; a percent sign is a unit that is like no other.
    An answer with several different numbers is wrong unless `which` says which one counts: naming all is no answer.
    """

    VERSION: ClassVar[int] = 1
    tolerance: float = 0.0
    percent: float = 0.0
    units: str = ""
    unit_needed: bool = False
    which: Which = "only"

    def __post_init__(self) -> None:
        if not (0 <= self.tolerance < 1e15 and 0 <= self.percent <= 100):
            raise Refusal(N_("A tolerance is zero or more, and at most 100 percent. Correct it."))
        if self.which not in get_args(Which):
            raise Refusal(N_("“%(option)s” cannot be set for this scorer."), option=self.which)
        if self.unit_needed and not worth(self.units):
            raise Refusal(N_("A unit is asked for, but none is named. Write the units, such as: kg; g = 0.001"))
        worth(self.units)

    def score(self, case: Case) -> list[Score]:
        wanted = self._amounts(case.reference)
        if not wanted:
            return [cases.unknown("The reference holds no number." if case.reference.strip() else cases.NO_REFERENCE)]
        aim = wanted[0]
        found = self._amounts(case.answer, needed=self.unit_needed)
        if not found:
            missing = "The answer holds no number with one of the units." if self.unit_needed else "It holds no number."
            return [cases.correct(False, missing)]
        if self.which == "only" and len({self._meant(amount) for amount in found}) > 1:
            named = ", ".join(dict.fromkeys(f"{amount.value.normalize():f}"[:20] for amount in found[:5]))
            return [cases.correct(False, f"It names several numbers: {named}.")]
        given = found[-1 if self.which == "last" else 0]
        allowed = max(Decimal(str(self.tolerance)), Decimal(str(self.percent)) / 100 * abs(aim.value))
        same = self._kind(given) == self._kind(aim) and abs(given.value - aim.value) <= allowed
        return [cases.correct(same, f"It says {given.value.normalize():f}{given.unit}."[:120])]

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        return ("correct",)

    def parsed(self, answer: str) -> str:
        found = self._amounts(answer, needed=self.unit_needed)
        return "; ".join(sorted({str(self._meant(amount)) for amount in found})) or texts.bare(answer)

    def _kind(self, amount: Amount) -> str:
        return "%" if amount.unit == "%" and "%" not in worth(self.units) else ""

    def _meant(self, amount: Amount) -> tuple[Decimal, str]:
        return amount.value.normalize(), self._kind(amount)

    def _amounts(self, text: str, *, needed: bool = False) -> list[Amount]:
        """The numbers that count: those with one of the units if there are any, else all unless one is needed."""
        known = worth(self.units)
        found = read(text, known)
        with_unit = [amount for amount in found if amount.unit in known]
        return with_unit if with_unit or needed else found


def worth(units: str) -> dict[str, Decimal]:
    """Each unit's worth: `元, CNY; 角 = 0.1` is 1, 1 and 0.1. Raises Refusal when it is not written like that."""
    found: dict[str, Decimal] = {}
    for part in re.split(r"[;\n]", texts.spaced(units.replace("\n", ";"))):
        names, _, factor = part.partition("=")
        if not part.strip():
            continue
        try:
            value = Decimal(factor.strip() or "1")
            usable = value.is_finite() and 0 < value < Decimal(10) ** 15
        except ArithmeticError:
            usable = False
        wanted = [name.strip() for name in names.split(",")]
        if not usable or not all(wanted) or any(character.isdigit() for character in names):
            raise Refusal(
                N_("“%(part)s” is not a unit with its worth. Write them like this: kg; g = 0.001"), part=part.strip()
            )
        found |= dict.fromkeys(wanted, value)
    if len(found) > MOST_UNITS:
        raise Refusal(N_("There are more than %(most)s units. Leave some out."), most=MOST_UNITS)
    return found


def read(text: str, units: dict[str, Decimal] | None = None) -> list[Amount]:
    """Every number in the text, in the order it stands there."""
    known = units or {}
    folded = texts.spaced(text[: texts.LONGEST])
    found = []
    for match in _NUMBER.finditer(folded):
        digits = match["digits"].replace(",", "")
        if len(digits) + len(match["rest"]) > LONGEST_NUMBER:
            continue
        value = Decimal((match["sign"] or "") + (digits or "0") + match["rest"])
        end = match.end()
        if scale := _SCALE.match(folded, end):
            value, end = value * SCALES[scale[1]], scale.end()
        unit = "%" if match["of_hundred"] else _unit(folded, match.start(), end, known)
        found.append(Amount(value * known.get(unit, 1), unit))
    return found


def _unit(text: str, start: int, end: int, known: dict[str, Decimal]) -> str:
    after, before = text[end : end + 40].lstrip(), text[max(0, start - 40) : start].rstrip()
    for name in sorted({*known, *PERCENT}, key=len, reverse=True):
        follows = after.startswith(name) and not _runs_on(name[-1], after[len(name) : len(name) + 1])
        precedes = before.endswith(name) and not _runs_on(name[0], before[: len(before) - len(name)][-1:])
        if follows or (precedes and name not in PERCENT):
            return "%" if name in PERCENT else name
    return ""


def _runs_on(letter: str, neighbour: str) -> bool:
    """Whether the two belong to one word: "g" is no unit in "5 grams"; CJK characters have no word around them."""
    return letter.isascii() and letter.isalpha() and neighbour.isascii() and neighbour.isalpha()
