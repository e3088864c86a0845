"""Somebody else's text, fenced off so that a judge can tell it from its instructions."""

import re
import secrets
import unicodedata

LONGEST = 20_000
"""Characters of one text that a judge is shown; the cut is marked."""
STRIPPED = "[removed]"
ROUNDS = 4

_OPEN, _CLOSE = "<＜‹«〈《⟨⟪≪﹤˂❮⧼", ">＞›»〉》⟩⟫≫﹥˃❯⧽"
_FENCE = re.compile(rf"(?:[{_OPEN}][ \t]?){{2,9}}[^\n{_OPEN}{_CLOSE}]{{0,120}}(?:[ \t]?[{_CLOSE}]){{2,9}}")
_CONTROL = re.compile(
    r"<\s*[|｜][^|｜<>\n]{0,80}[|｜]\s*>"  # <|im_start|>, <|eot_id|>, <｜User｜>
    r"|<\s*/?\s*(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|system|user|assistant)\s*>"
    r"|\[\s*/?\s*(?:INST|AVAILABLE_TOOLS|SYSTEM_PROMPT)\s*\]|<<\s*/?\s*SYS\s*>>",
    re.IGNORECASE,
)
_BRACKET = re.compile(rf"[{_OPEN}{_CLOSE}|｜]")
_RUN = re.compile(rf"([{_OPEN}{_CLOSE}])(?=[{_OPEN}{_CLOSE}])|<(?=[|｜])|[|｜](?=>)")


def nonce() -> str:
    """A word that nobody can have written into an answer: it is drawn when the judge is asked."""
    return secrets.token_hex(8)


def fence(name: str, text: str, mark: str) -> str:
    """The text between two lines that carry the mark."""
    return f"{line(name, mark)}\n{stripped(text).replace(mark, STRIPPED)}\n{line(f'END OF {name}', mark)}"


def line(name: str, mark: str) -> str:
    """One line of a fence."""
    return f"<<<{mark} {name}>>>"


def stripped(text: str) -> str:
    """The text without what could pass for a fence, for a chat template's control token, or that nobody sees.

    What is left of doubled angle brackets is parted by blanks, so that nothing new can be put together from pieces.
    """
    seen = "".join(
        character
        for character in text.encode("utf-8", "replace").decode()[: LONGEST + 1]
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
    )
    cut = " [cut here]" if len(text) > LONGEST else ""
    without = seen[:LONGEST]
    for _ in range(ROUNDS):
        before, without = without, _CONTROL.sub(STRIPPED, _FENCE.sub(STRIPPED, without))
        if without == before:
            break
    else:  # one in another in another: such brackets mean nothing to a reader
        without = _BRACKET.sub("", without)
    return _RUN.sub(lambda match: f"{match[0]} ", without) + cut
