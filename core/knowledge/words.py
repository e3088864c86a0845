"""What is searched for in a text: stems of English words, words of Chinese as jieba parts them, neighbouring pairs."""

import logging
import re
import tempfile
from functools import lru_cache
from itertools import pairwise

import jieba
import Stemmer

from core.scoring import texts

WORDS = "stems-jieba-pairs-1"
"""Names this way of taking words in an index version."""

_RUN = re.compile(rf"(?P<cjk>[{texts.CJK}]+)|\d+(?:[.,]\d+)*|[^\W\d{texts.CJK}_]+")


@lru_cache(maxsize=1)
def _chinese() -> jieba.Tokenizer:
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    # By default it reads a cache from a folder where everybody may write, without a look at whose it is.
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.tmp_dir = folder
        tokenizer.initialize()
    return tokenizer


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(Stemmer.Stemmer("english").stemWord(word))


def of(text: str) -> list[str]:
    """The words of the text in its order; long Chinese words also in their parts."""
    found: list[str] = []
    for run in _RUN.finditer(texts.plain_numbers(texts.folded(text))):
        if run["cjk"]:
            found += _chinese().cut_for_search(run[0])
            # jieba may part the same word differently in a question and in a passage; neighbours it cannot.
            found += [one + other for one, other in pairwise(run[0])]
        else:
            found.append(_stem(run[0]))
    return found
