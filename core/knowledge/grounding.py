"""Whether an answer's source was shown, and whether the passages say what the answer says. Words, not understanding."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.intake import columns
from core.knowledge import words
from core.knowledge.shown import Shown
from core.scoring import checks

SUPPORTED = 0.6
"""Share of a sentence's words, all its numbers among them, that the cited passages have to have."""

_SENTENCE = re.compile(r"(?<=[。！？；])|(?<=[.!?;])\s+|\n+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Citing:
    """What an answer cites; None where there is nothing to say it of."""

    exist: float | None
    """1 if every cited number was shown, 0 if one was not; None without a citation."""
    supports: float | None
    """Share of the citing sentences whose words the cited passages have; None without such a sentence."""
    grounded: float | None
    """Share of the answer's words that any passage or the question has; None without words or passages."""


def source_of(fields: Sequence[tuple[str, str]]) -> str | None:
    """The source that a sample names in one of its further columns."""
    return next((text.strip() for name, text in fields if columns.is_source(name) and text.strip()), None)


def document_of(source: str) -> str:
    """The name of the source's document, in the spelling in which names are compared (`str.casefold`)."""
    return source.partition("|")[0].strip().casefold()


def rank(source: str, shown: Sequence[Shown]) -> int | None:
    """The place of the first passage of that source, from 1; None if it was not shown."""
    document, said = document_of(source), " ".join(source.partition("|")[2].casefold().split())
    for one in shown:
        if one.document.casefold() == document and said in " ".join(f"{one.section}\n{one.text}".casefold().split()):
            return one.number
    return None


def cited(answer: str, question: str, shown: Sequence[Shown]) -> Citing:
    """What the answer cites, against the passages as they were shown."""
    numbers = checks.numbers(answer)
    by_number = {one.number: _terms(one.text) for one in shown}
    supports = []
    for sentence in _sentences(answer):
        mine = checks.numbers(sentence)
        said = words.terms(_bare(sentence))
        if mine and said:
            passages = set[str]().union(*(by_number.get(number, frozenset()) for number in mine))
            supports.append(_has(passages, said))
    everything = set[str]().union(*by_number.values()) | words.terms(question)
    said = words.terms(_bare(answer))
    return Citing(
        exist=float(numbers <= set(by_number)) if numbers else None,
        supports=sum(supports) / len(supports) if supports else None,
        grounded=len(said & everything) / len(said) if said and shown else None,
    )


@lru_cache(maxsize=2_000)
def _terms(passage: str) -> frozenset[str]:
    """Of a passage, which many answers were shown."""
    return frozenset(words.terms(passage))


def _has(passages: set[str], said: set[str]) -> float:
    figures = {word for word in said if word[0].isdigit()}
    return float(figures <= passages and len(said & passages) >= SUPPORTED * len(said))


def _sentences(answer: str) -> list[str]:
    """The sentences; a citation behind the full stop belongs to the sentence before it."""
    found: list[str] = []
    for part in _SENTENCE.split(answer):
        if found and not words.terms(_bare(part)):
            found[-1] += part
        elif part.strip():
            found.append(part)
    return found


def _bare(text: str) -> str:
    return re.sub(r"[\[【]\s*\d{1,4}(?:\s*[,，、]\s*\d{1,4})*\s*[\]】]", " ", text)
