"""What is searched for in a text: stems of English words, words of Chinese as jieba parts them, neighbouring pairs."""

import re
from functools import lru_cache
from itertools import pairwise

import rjieba
import Stemmer
from bm25s.stopwords import STOPWORDS_EN_PLUS

from core.scoring import texts

WORDS = "stems-jieba-pairs-1"
"""Names this way of taking words in an index version."""

_STOPS = frozenset(STOPWORDS_EN_PLUS)
_RUN = re.compile(rf"(?P<cjk>[{texts.CJK}]+)|\d+(?:[.,]\d+)*|[^\W\d{texts.CJK}_]+")


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(Stemmer.Stemmer("english").stemWord(word))


def of(text: str) -> list[str]:
    """The words of the text in its order; long Chinese words also in their parts."""
    found: list[str] = []
    for run in _RUN.finditer(texts.plain_numbers(texts.folded(text))):
        if run["cjk"]:
            found += rjieba.cut_for_search(run[0])
            # jieba may part the same word differently in a question and in a passage; neighbours it cannot.
            found += [one + other for one, other in pairwise(run[0])]
        else:
            found.append(_stem(run[0]))
    return found


def marked(text: str, question: str) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it is a word of the question; put together again, they are the text."""
    wanted = {_stem(word) for word in _latin(question) if word not in _STOPS}
    chinese = [word for word in of(question) if len(word) > 1 and texts.cjk_share(word) == 1]
    hits = [False] * len(text)
    for run in _RUN.finditer(text):
        if run["cjk"]:
            for word in chinese:
                for found in re.finditer(re.escape(word), run[0]):
                    start = run.start() + found.start()
                    hits[start : start + len(word)] = [True] * len(word)
        elif wanted & {_stem(word) for word in _latin(run[0])}:
            hits[run.start() : run.end()] = [True] * len(run[0])
    ends = [place for place in range(1, len(text)) if hits[place] != hits[place - 1]]
    return [(text[start:end], hits[start]) for start, end in pairwise([0, *ends, len(text)]) if start < end]


def terms(text: str) -> set[str]:
    """The words that carry meaning: stems without the commonest words, numbers, Chinese words of two characters up."""
    found = {_stem(word) for word in _latin(text) if word not in _STOPS}
    for run in _RUN.finditer(texts.folded(text)):
        if run["cjk"]:
            found |= {word for word in rjieba.cut(run[0]) if len(word) > 1}
    return found


def _latin(text: str) -> list[str]:
    return [run[0] for run in _RUN.finditer(texts.plain_numbers(texts.folded(text))) if not run["cjk"]]
