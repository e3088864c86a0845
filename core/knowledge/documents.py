"""From an uploaded document to its sections of text, each with its page and the headings above it."""

import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import PurePath

from core.errors import Refusal
from core.intake import encodings
from core.knowledge import extracting
from core.locale.mark import N_
from core.settings import REPOSITORY

LARGEST_FILE = 50_000_000
"""Bytes."""
MOST_UNPACKED = 200_000_000
"""Bytes."""
MOST_UNPACKED_PER_BYTE = 200
MOST_PARTS = 5_000
MOST_TEXT = 20_000_000
"""Characters of one document."""
PATIENCE = 180
"""Seconds until reading a document is given up."""

ENDINGS = (".pdf", ".docx", ".xlsx", ".pptx", ".html", ".htm", ".md", ".txt")
_PACKED = (".docx", ".xlsx", ".pptx")
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Text that belongs together: a page, a slide, a sheet, or what stands under one heading."""

    page: int | None
    """From 1; None where the kind of document has no pages."""
    section: str
    text: str


def read(name: str, content: bytes) -> tuple[Section, ...]:
    """The sections of a PDF, DOCX, XLSX, PPTX, HTML, Markdown or text file, none of them empty.

    Raises Refusal, and nothing else, when the file is of no use.
    """
    ending = PurePath(name).suffix.casefold()
    ending = ".html" if ending == ".htm" else ending
    if ending not in ENDINGS:
        raise Refusal(
            N_("Documents of the type “%(ending)s” cannot be read. Save it as PDF, DOCX or TXT and add that."),
            ending=ending or name,
        )
    if len(content) > LARGEST_FILE:
        raise Refusal(
            N_("The file has %(size)s MB; at most %(limit)s MB can be read. Split it into smaller files."),
            size=f"{len(content) / 1e6:.1f}",
            limit=LARGEST_FILE // 1_000_000,
        )
    if not content:
        raise Refusal(N_("The file is empty. Check that it was saved, and add it again."))
    if ending in _PACKED:
        _inspect(content)
    found = _plain(ending, content) if ending in (".md", ".txt", ".html") else _extract(ending, content)
    sections = tuple(Section(page=one.page, section=_clean(one.section)[:300], text=_clean(one.text)) for one in found)
    sections = tuple(one for one in sections if one.text)
    if not sections:
        raise Refusal(N_("There is no text in the document. A scan needs text recognition (OCR) first."))
    if sum(len(one.text) for one in sections) > MOST_TEXT:
        raise Refusal(
            N_("The document has more than %(most)s million characters. Split it into smaller files."),
            most=MOST_TEXT // 1_000_000,
        )
    return sections


def _inspect(content: bytes) -> None:
    """Refuse what would fill the memory; zipfile never reads beyond the sizes in the directory."""
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refusal(N_("The document has a password, or is in an old format. Save it anew without a password."))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            texts = [part for part in parts[:MOST_PARTS] if part.filename.endswith((".xml", ".rels"))]
            entities = any(b"<!DOCTYPE" in archive.open(part).read(2000) for part in texts)
    except Exception as error:  # a broken archive raises nearly anything
        raise _damaged(type(error).__name__) from error
    if entities:
        raise _damaged("DOCTYPE")  # no office program writes one, and its entities may unpack to anything
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > min(MOST_UNPACKED, MOST_UNPACKED_PER_BYTE * len(content)):
        raise Refusal(
            N_(
                "The document has %(size)s MB but unpacks to %(unpacked)s MB, which is too much. Save it as PDF and "
                "add that."
            ),
            size=f"{len(content) / 1e6:.1f}",
            unpacked=f"{unpacked / 1e6:,.0f}",
        )


def _plain(ending: str, content: bytes) -> list[Section]:
    text, _ = encodings.decode(content)
    if ending == ".html":
        return _extract(ending, text.encode("utf-8", "replace"))
    return _markdown(text) if ending == ".md" else [Section(page=None, section="", text=text)]


def _markdown(text: str) -> list[Section]:
    """What stands under each heading; a number sign in a fenced block is none."""
    found, lines, path, fenced = list[Section](), list[str](), dict[int, str](), False

    def end() -> None:
        found.append(Section(page=None, section=" › ".join(path.values()), text="\n".join(lines)))
        lines.clear()

    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        if not fenced and (heading := _HEADING.match(line)):
            end()
            level = len(heading[1])
            path = {**{above: said for above, said in path.items() if above < level}, level: heading[2]}
        else:
            lines.append(line)
    end()
    return found


def _extract(ending: str, content: bytes) -> list[Section]:
    """The sections as a process of its own reads them, with limits of memory and time."""
    command = [sys.executable, "-m", extracting.__name__, ending]
    try:
        done = subprocess.run(command, input=content, capture_output=True, cwd=REPOSITORY, timeout=PATIENCE)
        said = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise Refusal(
            N_("Reading the document took too much time or memory. Save it as PDF or TXT, in parts if it is long.")
        ) from error
    if said.get("problem") == "locked":
        raise Refusal(N_("The document has a password, or is in an old format. Save it anew without a password."))
    if "problem" in said:
        raise _damaged(said["error"])
    return [Section(page=page, section=section, text=text) for page, section, text in said["sections"]]


def _damaged(error: str) -> Refusal:
    return Refusal(
        N_("The document is damaged, or not what its name says (%(error)s). Open it, save it anew and add that."),
        error=error,
    )


def _clean(text: str) -> str:
    """Without what no text has: NUL and other control characters, halves of surrogate pairs, runs of blank lines."""
    text = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", text.replace("\f", "\n\n"))
    return re.sub(r"\n\s*\n", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()
