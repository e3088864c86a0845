"""Checks beside the question whether an answer is right: its length, its language, what it cites."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from core.errors import Refusal
from core.locale.mark import N_
from core.scoring import cases, texts
from core.scoring.cases import Case, Score

Language = Literal["zh", "en", "question"]
MOSTLY = 0.5
"""A text is Chinese if at least so much of it is; it may well name products in Latin letters."""
SHORTEST_QUOTE = 8
"""Columns of a quotation that is looked up; shorter ones are titles and words of one's own in quotes."""

_CITATION = re.compile(r"[\[【]\s*(\d{1,4}(?:\s*[,，、]\s*\d{1,4})*)\s*[\]】]")
_QUOTE = re.compile(r"“([^”]{1,2000})”|「([^」]{1,2000})」|\"([^\"]{1,2000})\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Neither shorter nor longer than agreed, in characters without white space at the ends; 0 is no limit."""

    VERSION: ClassVar[int] = 1
    least: int = 1
    most: int = 0

    def __post_init__(self) -> None:
        if self.least < 0 or self.most < 0 or 0 < self.most < self.least:
            raise Refusal(N_("The shortest length is above the longest one. Correct them."))

    def score(self, case: Case) -> list[Score]:
        count = len(case.answer.strip())
        fits = count >= self.least and (not self.most or count <= self.most)
        return [Score(metric="length", value=float(fits), reason="" if fits else f"It has {count} characters.")]

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        return ("length",)

    def parsed(self, answer: str) -> str:
        return texts.bare(answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class InLanguage:
    """Chinese, or in Latin letters, or whichever the question is in; told by the script, so from English it cannot
    tell French. Unknown for an answer without letters."""

    VERSION: ClassVar[int] = 1
    language: Language = "question"

    def __post_init__(self) -> None:
        if self.language not in get_args(Language):
            raise Refusal(N_("“%(option)s” cannot be set for this scorer."), option=self.language)

    def score(self, case: Case) -> list[Score]:
        given = texts.cjk_share(case.answer[: texts.LONGEST])
        wanted: float | None = float(self.language == "zh")
        if self.language == "question":
            wanted = texts.cjk_share(case.question[: texts.LONGEST])
        if given is None or wanted is None:
            return [cases.unknown("There are no letters to tell a language by.", "language")]
        fits = (given >= MOSTLY) == (wanted >= MOSTLY)
        reason = "" if fits else f"It is {'Chinese' if given >= MOSTLY else 'not Chinese'}."
        return [Score(metric="language", value=float(fits), reason=reason)]

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        return ("language",)

    def parsed(self, answer: str) -> str:
        return texts.bare(answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Citations:
    """It cites at least one passage as [1], only passages that it was given, and quotes them as they are.

    The passages are the numbered ones of the sample's context. Whether a passage supports what is said is for people.
    """

    VERSION: ClassVar[int] = 1

    def score(self, case: Case) -> list[Score]:
        given = numbers(case.context)
        if not given:
            return [cases.unknown("The context has no numbered passages to cite.", "citations")]
        cited = numbers(case.answer)
        quotes = [text for parts in _QUOTE.findall(case.answer) if texts.width(text := next(filter(None, parts), "")) >=
                  SHORTEST_QUOTE]  # fmt: skip
        context = texts.bare(case.context)
        problem = ""
        if not cited:
            problem = "It cites no passage."
        elif unknown := sorted(cited - given):
            problem = f"It was not given passage {', '.join(map(str, unknown[:5]))}."
        elif invented := [quote for quote in quotes if texts.bare(quote) not in context]:
            problem = f"No passage says “{invented[0]:.80}”."
        return [Score(metric="citations", value=float(not problem), reason=problem)]

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        return ("citations",)

    def parsed(self, answer: str) -> str:
        return ", ".join(map(str, sorted(numbers(answer))))


def numbers(text: str) -> set[int]:
    """The passage numbers in brackets: [2] and [1, 3] are 1, 2 and 3."""
    listed = _CITATION.findall(text)
    return {int(number) for numbers in listed for number in re.findall(r"\d+", numbers)}
