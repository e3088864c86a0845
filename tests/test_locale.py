"""Every string on every page is in both languages."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from core.locale import catalogue

ROOT = Path(__file__).parent.parent
KEYWORDS = {"_": None, "N_": None, "plain": None, "Refusal": None, "keep_message": None}
FIELD = re.compile(r"%\((\w+)\)s")


def used() -> set[str]:
    """Every message id in the program."""
    found = set()
    for folder in ("core", "pages"):
        # Left to itself, Babel passes over folders that begin with an underscore, such as pages/_ui.
        extracted = extract_from_dir(
            ROOT / folder, keywords=KEYWORDS, comment_tags=(), directory_filter=lambda path: "__pycache__" not in path
        )
        for _, _, message, _, _ in extracted:
            found.add(message if isinstance(message, str) else message[0])
    return found - {""}


def test_no_message_hides_in_an_f_string():
    """Babel does not find it there, so it would never be translated."""
    hidden = [
        f"{path}:{call.lineno}"
        for folder in ("core", "pages")
        for path in (ROOT / folder).rglob("*.py")
        for text in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS
        and call.args and isinstance(call.args[0], ast.Constant)
    ]  # fmt: skip
    assert not hidden


def test_no_message_is_missing_in_chinese():
    missing = sorted(used() - set(catalogue.messages("zh")))
    assert not missing, "\n".join(missing)


def test_no_chinese_message_is_left_over():
    assert not sorted(set(catalogue.messages("zh")) - used())


@pytest.mark.parametrize("language", [name for name in catalogue.LANGUAGES if name != "en"])
def test_every_translation_fills_in_the_same_fields(language):
    for message, text in catalogue.messages(language).items():
        assert set(FIELD.findall(message)) == set(FIELD.findall(text)), message
        assert text % {name: "x" for name in FIELD.findall(text)} if FIELD.findall(text) else text


def test_nothing_in_the_catalogue_is_fuzzy():
    with (ROOT / "core/locale/zh.po").open("rb") as file:
        assert not [message.id for message in read_po(file) if message.fuzzy and message.id]
