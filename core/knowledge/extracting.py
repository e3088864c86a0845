"""The sections of one document, read in a process of its own: a hostile file can fill or stop that one only.

`python -m core.knowledge.extracting .pdf` reads the file from standard input and writes one JSON text: `sections`, or
`problem` ("locked" or "damaged").
"""

import io
import json
import resource
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

MEMORY = 2_000_000_000
"""Bytes of address space."""
SECONDS = 120
"""Of computing."""

Found = tuple[int | None, str, str]
"""Page, section and text."""

_BLOCKS = set("p div br li tr ul ol table section article header footer blockquote pre dt dd".split())  # noqa: SIM905
_UNSEEN = {"script", "style", "template", "noscript", "title"}
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))


class _Page(HTMLParser):
    """The text of HTML under its headings; nothing is fetched, and what a browser would not show is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Found] = []
        self.path: dict[int, str] = {}
        self.parts: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in _HEADINGS:
            self.end()
        elif tag in _UNSEEN:
            self.unseen += 1
        elif tag in _BLOCKS:
            self.parts.append("\n\n" if tag == "p" else "\n")
        elif tag in ("td", "th"):
            self.parts.append(" | ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HEADINGS:
            level, words = int(tag[1]), " ".join("".join(self.parts).split())
            self.path = {**{above: said for above, said in self.path.items() if above < level}, level: words}
            self.parts = []
        elif tag in _UNSEEN:
            self.unseen = max(0, self.unseen - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n\n" if tag in ("p", "table") else "\n")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.parts.append(" ".join(data.split("\n")) if data.strip() else " ")

    def end(self) -> None:
        """Keep what was said under the headings so far."""
        lines = (line.strip().removeprefix("| ") for line in "".join(self.parts).split("\n"))
        self.found.append((None, " › ".join(self.path.values()), "\n".join(lines)))
        self.parts = []


def html(text: str) -> list[Found]:
    """The sections of an HTML page, by its headings."""
    page = _Page()
    page.feed(text)
    page.close()
    page.end()
    return page.found


def pdf(content: bytes) -> Iterator[Found]:
    """One section a page. Raises PermissionError when a password is needed."""
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise PermissionError
    for number, page in enumerate(reader.pages, 1):
        yield number, "", page.extract_text()


def docx(content: bytes) -> list[Found]:
    """The sections of a Word document, by its headings."""
    import mammoth

    return html(mammoth.convert_to_html(io.BytesIO(content), convert_image=mammoth.images.img_element(_no_image)).value)


def _no_image(_: Any) -> dict[str, str]:
    return {}


def pptx(content: bytes) -> Iterator[Found]:
    """One section a slide: its title, its texts and tables, its notes."""
    import pptx as presentations

    for number, slide in enumerate(presentations.Presentation(io.BytesIO(content)).slides, 1):
        title = slide.shapes.title
        parts = []
        for shape in slide.shapes:
            if shape.has_text_frame and shape != title:
                parts.append(shape.text_frame.text)
            elif shape.has_table:
                rows = ([cell.text for cell in row.cells] for row in shape.table.rows)
                parts.append("\n".join(" | ".join(row) for row in rows))
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame:
            parts.append(slide.notes_slide.notes_text_frame.text)
        yield number, title.text_frame.text if title else "", "\n\n".join(parts)


def xlsx(content: bytes) -> Iterator[Found]:
    """One section a sheet, one line a row with the heading beside each value, so that every row speaks for itself."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        sheet.reset_dimensions()
        lines: list[str] = []
        heads: list[str] = []
        for row in sheet.iter_rows(values_only=True):
            cells = ["" if value is None else str(value) for value in row]
            if not any(cells):
                continue
            if not heads:
                heads = cells
                continue
            named = zip(heads + [""] * len(cells), cells, strict=False)
            lines.append("; ".join(f"{head}: {cell}" if head else cell for head, cell in named if cell))
        yield None, str(sheet.title), "\n".join(lines or [" | ".join(heads)])


_READERS: dict[str, Any] = {".pdf": pdf, ".docx": docx, ".pptx": pptx, ".xlsx": xlsx}


def main(ending: str) -> dict[str, Any]:
    """What is in the file on standard input, or what is wrong with it."""
    content = sys.stdin.buffer.read()
    try:
        if ending == ".html":
            return {"sections": html(content.decode("utf-8", "replace"))}
        return {"sections": list(_READERS[ending](content))}
    except PermissionError:
        return {"problem": "locked"}
    except Exception as error:  # broken documents raise nearly anything
        return {"problem": "damaged", "error": type(error).__name__}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    sys.stdout.buffer.write(json.dumps(main(sys.argv[1])).encode("utf-8"))
