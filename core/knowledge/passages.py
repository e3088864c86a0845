"""Sections cut into passages: at the ends of paragraphs and sentences, with some overlap where a section goes on."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core import content
from core.knowledge import documents
from core.knowledge.documents import Section
from core.store import database

SIZE = 900
"""Bytes of UTF-8 in a passage at most: a Chinese character says more than a letter, and takes three."""
OVERLAP = 150
"""Bytes at most that a passage repeats of the one before."""
LOT = 5_000
"""Passages read together from the database."""
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


def of_file(by: str, task_id: str, name: str, given: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The rows of a document and of its passages, from a file's name and bytes. Raises Refusal if it cannot be read."""
    found = cut(documents.read(name, given))
    document_id = content.name("document", [task_id, name, hashlib.sha256(given).hexdigest(), CUT])
    row = {"document_id": document_id, "task_id": task_id, "name": name, "size": len(given)}
    row |= {"added_by": by, "added_at": database.now()}
    return row, [
        {
            "passage_id": content.name("passage", [document_id, place, one.text]),
            "document_id": document_id,
            "place": place,
            "page": one.page,
            "section": one.section,
            "text": one.text,
        }
        for place, one in enumerate(found, 1)
    ]


def texts(conn: duckdb.DuckDBPyConnection, document_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each passage of the documents by its id, with its section above it as it is searched, in an index's order.

    They are read page by page: all of them at once may be more than the memory should hold.
    """
    query = """
        select document_id, place, passage_id, section || chr(10) || text from passages
        where list_contains($listed, document_id)
            and (document_id > $document or document_id = $document and place > $place)
        order by document_id, place limit $lot
    """
    document, place = "", 0
    while rows := conn.execute(
        query, {"listed": list(document_ids), "document": document, "place": place, "lot": LOT}
    ).fetchall():
        document, place = rows[-1][:2]
        yield from (row[2:] for row in rows)


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
