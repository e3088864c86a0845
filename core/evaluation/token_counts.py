"""How many tokens a prompt has: counted by the model's own tokenizer where its folder has one, else guessed."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

from core.evaluation import decodings


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """`exact` when the model's tokenizer counted; a guess is on the high side. The few tokens with which a model
    marks who speaks are not among them."""

    tokens: int
    exact: bool


def count(text: str, folder: Path | None) -> Count:
    """The tokens of the text for the model in that folder; None when no folder is known."""
    file = folder / "tokenizer.json" if folder else None
    if file is None or not file.is_file():
        return Count(tokens=decodings.tokens(text), exact=False)
    tokenizer = _tokenizer(str(file), file.stat().st_mtime)
    return Count(tokens=len(tokenizer.encode(text, add_special_tokens=False).ids), exact=True)


@lru_cache(maxsize=4)
def _tokenizer(file: str, changed: float) -> Tokenizer:
    return Tokenizer.from_file(file)
