"""Messages in the reader's language. English is the message id; other languages have a `.po` file beside this one."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

from core.errors import Refusal

LANGUAGES = {"en": "English", "zh": "简体中文"}
FOLDER = Path(__file__).parent


@cache
def messages(language: str) -> Mapping[str, str]:
    """Message id to text; empty for English. Read from the `.po` itself, so that there is nothing to compile."""
    path = FOLDER / f"{language}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id and message.string}


def translate(language: str, message: str, values: Mapping[str, Any] | None = None) -> str:
    """The message in that language with its `%(name)s` fields filled in."""
    text = messages(language).get(message, message)
    return text % values if values else text


def refusal(language: str, error: Refusal) -> str:
    """A refusal as its reader should see it."""
    return translate(language, error.message, error.values)


def either(language: str, texts: Mapping[str, str]) -> str:
    """The text of a bilingual record, such as a task's name: the language wanted, else what there is."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")
