"""From an uploaded file to a table of text: what the file says, before anything is known about what it means."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePath

from core.errors import Refusal
from core.intake import arrow_files, encodings, json_files, tables, workbooks
from core.intake.tables import Record, RowProblem, Table
from core.locale.mark import N_

LARGEST_FILE = 200_000_000
"""Bytes."""

_DELIMITERS = ",;\t|"
_DELIMITED = (".csv", ".tsv", ".txt")
_JSON = (".jsonl", ".ndjson", ".json")
_PACKED = {".xlsx": "ZIP", ".zip": "ZIP", ".parquet": "Parquet"}
_SIGNATURES = ((b"PK\x03\x04", "ZIP"), (b"PAR1", "Parquet"), (b"\xd0\xcf\x11\xe0", "XLS"), (b"%PDF", "PDF"))
ENDINGS = (*_DELIMITED, *_JSON, *_PACKED)
"""Of the files that can be read; a ZIP archive holds a Hugging Face dataset folder."""


def read(name: str, content: bytes) -> Table:
    """The table in a CSV, TSV, JSON, JSON Lines, XLSX or Parquet file, or in a packed dataset folder.

    `name` is what the file is called. Raises Refusal, and nothing else, when the file as a whole is of no use; single
    bad rows are in `problems`.
    """
    ending = PurePath(name).suffix.casefold()
    if ending not in ENDINGS:
        raise Refusal(
            N_("Files of the type “%(ending)s” cannot be read. Save it as CSV, JSONL or XLSX and import that."),
            ending=ending,
        )
    if len(content) > LARGEST_FILE:
        raise Refusal(
            N_("The file has %(size)s MB; at most %(limit)s MB can be read. Split it into smaller files."),
            size=f"{len(content) / 1e6:.1f}",
            limit=LARGEST_FILE // 1_000_000,
        )
    found = next((kind for signature, kind in _SIGNATURES if content.startswith(signature)), None)
    if ending == ".xlsx" and found == "XLS":
        raise Refusal(N_("This is an old XLS workbook, or one with a password. Save it as XLSX without a password."))
    if found and found != _PACKED.get(ending):
        raise _misnamed(ending, "XLSX/ZIP" if found == "ZIP" else found)
    if not content:
        return tables.assemble((), "")
    if ending == ".xlsx":
        return tables.assemble(workbooks.records(content), "XLSX")
    if ending == ".parquet":
        return arrow_files.read_parquet(content)
    if ending == ".zip":
        return arrow_files.read_archive(content)
    text, encoding = encodings.decode(content)
    if ending in _JSON:
        return json_files.read(text, encoding)
    if json_files.begins_with_object(text):
        raise _misnamed(ending, "JSONL")
    return tables.assemble(_delimited(text, _delimiter(text)), encoding)


def _misnamed(ending: str, found: str) -> Refusal:
    return Refusal(
        N_(
            "The name of the file ends in “%(ending)s”, but what is in it is %(found)s. Give it the right ending, or "
            "save it as CSV, JSONL or XLSX, and import it again."
        ),
        ending=ending,
        found=found,
    )


def _delimiter(text: str) -> str:
    """The one that cuts most of the first rows into as many cells as the header, and into most cells."""

    def fit(delimiter: str) -> tuple[float, int]:
        widths = [len(cells) for _, cells, _ in islice(_delimited(text, delimiter), 50) if cells]
        width = widths[0] if widths else 0
        return (widths.count(width) / len(widths), width) if width > 1 else (0, 0)

    return max(_DELIMITERS, key=fit)


def _delimited(text: str, delimiter: str) -> Iterator[Record]:
    # The limit is one for the whole process, and too low to say which cell is too long.
    csv.field_size_limit(LARGEST_FILE)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line, passed = 0, 0
    behind: io.StringIO | None = None
    while True:
        try:
            for cells in reader:
                line, begun = reader.line_num, line + 1
                if any(map(str.strip, cells)):
                    yield begun, cells, ()
            return
        except csv.Error:
            line, begun = reader.line_num, line + 1
            behind = behind or io.StringIO(text, newline="")  # the reader keeps nothing of what it could not cut
            source = "".join(islice(behind, begun - 1 - passed, line - passed))
            passed = line
            yield begun, (source,), (_misquoted(begun, line),)


def _misquoted(line: int, last: int) -> RowProblem:
    return RowProblem(
        row=line,
        message=N_(
            "A double quote is out of place in lines %(first)s to %(last)s, which were left out. A cell that begins "
            "with one must end with one, and any other in that cell must be written twice."
        ),
        values={"first": line, "last": last},
    )
