"""Text in the forms in which people take it for the same: width, case, white space, decoration."""

import re
import unicodedata
from collections.abc import Collection

CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
OPENING = " \"'“”‘’«»「『《〈【([{*_`"
CLOSING = OPENING + "」』》〉】)]}.,;:!?。、"
LONGEST = 50_000
"""Characters of a text that slow comparisons look at; beyond them they would cost seconds."""

_CJK = re.compile(f"[{CJK}]")
_TOKEN = re.compile(rf"[{CJK}]|[^\W{CJK}]+")


def folded(text: str) -> str:
    """Without case and width."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def one_width(text: str) -> str:
    """With full-width and half-width forms as one."""
    return unicodedata.normalize("NFKC", text)


def spaced(text: str) -> str:
    """Without case and width, white space as single blanks, one kind of minus."""
    return _one_space(folded(text))


def bare(text: str, keep: Collection[str] = ()) -> str:
    """As `spaced`, and without quotes and full stops around it; what is named in `keep` stays as it is.

    `keep` may hold "case", "width", "space" and "decoration".
    """
    if "width" not in keep:
        text = one_width(text)
    if "case" not in keep:
        text = text.casefold() if "width" in keep else folded(text)
    if "space" not in keep:
        text = _one_space(text)
    return text if "decoration" in keep else text.lstrip(OPENING).rstrip(CLOSING) or text


def _one_space(text: str) -> str:
    return " ".join(text.replace("\u2212", "-").split())


def plain_numbers(text: str) -> str:
    """1,200 as 1200; a comma that does not part thousands stays."""
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)


def tokens(text: str) -> list[str]:
    """Words without case and width; of Chinese and its neighbours, characters."""
    return _TOKEN.findall(folded(text))


def cjk_share(text: str) -> float | None:
    """The share of CJK characters among the letters; a word of other letters counts as one. None without letters."""
    found = [token for token in tokens(text) if not token.isdecimal()]
    return sum(bool(_CJK.match(token)) for token in found) / len(found) if found else None


def width(text: str) -> int:
    """Columns that the text takes; a CJK character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def storable(text: str) -> str:
    """Without halves of surrogate pairs, which no database takes."""
    return text.encode("utf-8", "replace").decode()
