"""The same text, a text within the answer, or a pattern in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, get_args

import regex

from core.errors import Refusal
from core.locale.mark import N_
from core.scoring import cases, texts
from core.scoring.cases import Case, Score
from core.scoring.texts import CJK

Kept = Literal["case", "width", "space", "decoration"]
LONGEST_PATTERN = 1_000
SECONDS = 0.2
"""What a pattern may take on one answer. Most take microseconds; a badly written one takes for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """The same text up to width, case, white space, and quotes and full stops around it.

    `keep` names what does matter after all.
    """

    VERSION: ClassVar[int] = 1
    keep: tuple[Kept, ...] = ()

    def __post_init__(self) -> None:
        known: tuple[Kept, ...] = get_args(Kept)
        if unknown := set(self.keep) - set(known):
            raise Refusal(N_("“%(option)s” cannot be set for this scorer."), option=min(unknown))
        object.__setattr__(self, "keep", tuple(one for one in known if one in self.keep))

    def score(self, case: Case) -> list[Score]:
        wanted = self.parsed(case.reference)
        if not wanted.strip():
            return [cases.unknown()]
        return [cases.correct(self.parsed(case.answer) == wanted, "The answer is another text.")]

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        return ("correct",)

    def parsed(self, answer: str) -> str:
        return texts.bare(answer, self.keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contains:
    """One of the reference's alternatives (`a|b`) occurs as a whole word; inside CJK text, anywhere."""

    VERSION: ClassVar[int] = 1

    def score(self, case: Case) -> list[Score]:
        wanted = [bare for part in case.reference.split("|") if (bare := texts.plain_numbers(texts.bare(part)))]
        if not wanted:
            return [cases.unknown()]
        text = f" {texts.plain_numbers(texts.spaced(case.answer))} "
        found = any(_whole(alternative).search(text) for alternative in wanted)
        return [cases.correct(found, "The answer does not contain it.")]

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        return ("correct",)

    def parsed(self, answer: str) -> str:
        return texts.bare(answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """A pattern occurs in the answer; if it has a group, the group's text is the same as the reference.

    The pattern sees the answer without differences of width. One that takes too long leaves the score unknown: that
    is the pattern's fault and not the answer's.
    """

    VERSION: ClassVar[int] = 1
    pattern: str = ""
    any_case: bool = True

    def __post_init__(self) -> None:
        if not self.pattern.strip():
            raise Refusal(N_("The pattern is empty. Write a regular expression, such as Total: (.+)"))
        if len(self.pattern) > LONGEST_PATTERN:
            raise Refusal(N_("The pattern is longer than %(most)s characters. Shorten it."), most=LONGEST_PATTERN)
        try:
            _compiled(self.pattern, self.any_case)
        except (regex.error, RecursionError, OverflowError, ValueError) as error:
            raise Refusal(
                N_("The pattern is not a regular expression: %(problem)s. Correct it."), problem=error
            ) from error

    def score(self, case: Case) -> list[Score]:
        groups = _compiled(self.pattern, self.any_case).groups
        if groups and not texts.bare(case.reference):
            return [cases.unknown()]
        try:
            found = self._search(case.answer)
        except TimeoutError:
            return [cases.unknown(f"The pattern took longer than {SECONDS:g} s on this answer.")]
        if found is None:
            return [cases.correct(False, "The pattern does not occur in the answer.")]
        if not groups:
            return [cases.correct(True, "")]
        same = texts.bare(found) == texts.bare(case.reference)
        return [cases.correct(same, f"The pattern finds {found!r:.80}.")]

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        return ("correct",)

    def parsed(self, answer: str) -> str:
        try:
            return texts.bare(self._search(answer) or answer)
        except TimeoutError:
            return texts.bare(answer)

    def _search(self, answer: str) -> str | None:
        """The text of the first group, else of the whole match; None if there is none."""
        pattern = _compiled(self.pattern, self.any_case)
        text = texts.one_width(answer)[: texts.LONGEST]
        found = pattern.search(text, timeout=SECONDS)
        return None if found is None else str(found[1 if pattern.groups else 0] or "")


@lru_cache(maxsize=200)
def _compiled(pattern: str, any_case: bool) -> "regex.Pattern[str]":
    flags = regex.VERSION1 | regex.MULTILINE | (regex.IGNORECASE if any_case else 0)
    return regex.compile(pattern, flags)


@lru_cache(maxsize=10_000)  # one takes 11 ms to compile, and a set's references come again with every run
def _whole(words: str) -> re.Pattern[str]:
    """Finds the words not as part of a longer word or number; a CJK character has no word around it."""
    word = rf"[^\W{CJK}]"
    before, after = "", ""
    if re.match(word, words):
        before = rf"(?<!{word})" + (r"(?<!\d[.,])(?<!\s-)" if words[0].isdigit() else "")
    if re.match(word, words[-1]):
        after = rf"(?!{word})" + (r"(?![.,]\d)" if words[-1].isdigit() else "")
    return re.compile(before + re.escape(words) + after)
