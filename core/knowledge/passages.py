"""Sections cut into passages: at the ends of paragraphs and sentences, with some overlap where a section goes on."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.knowledge.documents import Section

SIZE = 900
"""Bytes of UTF-8 in a passage at most: a Chinese character says more than a letter, and takes three."""
OVERLAP = 150
"""Bytes at most that a passage repeats of the one before."""
CUT = f"sentences-{SIZE}-{OVERLAP}-1"
"""Names this way of cutting in an index version; another way is another version."""

_PIECE = re.compile(r".+?(?:\n+|(?<=[.!?;])\s+|[。！？；]+[”」』）]*\n*|$)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A passage before it is kept."""

    page: int | None
    section: str
    text: str


def cut(sections: Sequence[Section]) -> list[Cut]:
    """The passages of a document in its order; none crosses a page or a heading."""
    return [Cut(page=one.page, section=one.section, text=text) for one in sections for text in _texts(one.text)]


def _texts(text: str) -> Iterator[str]:
    held: list[str] = []
    size = repeated = 0
    for piece in _pieces(text):
        length = len(piece.encode())
        if size + length > SIZE:
            yield "".join(held).strip()
            held = _tail(held, min(OVERLAP, SIZE - length))
            size = repeated = len("".join(held).encode())
        held.append(piece)
        size += length
        if piece.endswith("\n\n") and size > SIZE * 2 // 3:
            yield "".join(held).strip()
            held, size, repeated = [], 0, 0
    if size > repeated:
        yield "".join(held).strip()


def _tail(pieces: Sequence[str], room: int) -> list[str]:
    """The last pieces that fit into the room."""
    kept: list[str] = []
    for piece in reversed(pieces):
        room -= len(piece.encode())
        if room < 0:
            break
        kept.insert(0, piece)
    return kept


def _pieces(text: str) -> Iterator[str]:
    """Sentences and lines with what ends them; what is longer than a passage in parts."""
    for found in _PIECE.finditer(text):
        piece = found[0]
        while len(piece.encode()) > SIZE:
            head = piece.encode()[:SIZE].decode("utf-8", "ignore")
            # A word that would be parted goes to the next part, if there is one that ends here at all.
            head = head[: head.rfind(" ") + 1] or head
            yield head
            piece = piece[len(head) :]
        if piece:
            yield piece
