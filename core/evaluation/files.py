"""From an uploaded file to a table of text: what the file says, before anything is known about what it means."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePath
from typing import Any

from core.errors import Refusal
from core.evaluation import encodings, tables, workbooks
from core.evaluation.tables import Record, RowProblem, Table
from core.locale.mark import N_

LARGEST_FILE = 20_000_000
"""Bytes."""

_DELIMITERS = ",;\t|"
_DELIMITED = (".csv", ".tsv", ".txt")
_JSON_LINES = (".jsonl", ".ndjson")
_SIGNATURES = ((b"PK\x03\x04", "XLSX/ZIP"), (b"\xd0\xcf\x11\xe0", "XLS"), (b"%PDF", "PDF"))


def read(name: str, content: bytes) -> Table:
    """The table in a CSV, TSV, JSON Lines or XLSX file; `name` is what the file is called.

    Raises Refusal, and nothing else, when the file as a whole is of no use; single bad rows are in `problems`.
    """
    ending = PurePath(name).suffix.casefold()
    if ending not in (*_DELIMITED, *_JSON_LINES, ".xlsx"):
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
    if found and (ending, found) != (".xlsx", "XLSX/ZIP"):
        raise _misnamed(ending, found)
    if ending == ".xlsx" and content:
        return tables.assemble(workbooks.records(content), "XLSX")
    text, encoding = encodings.decode(content)
    if ending in _JSON_LINES:
        return tables.assemble(_json_lines(text), encoding)
    if isinstance(_object(1, text.lstrip().partition("\n")[0]), dict):
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
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield line, (), (_misquoted(line, reader.line_num),)
        else:
            if any(cell.strip() for cell in cells):
                yield line, cells, ()


def _misquoted(line: int, last: int) -> RowProblem:
    return RowProblem(
        row=line,
        message=N_(
            "A double quote is out of place in lines %(first)s to %(last)s, which were left out. A cell that begins "
            "with one must end with one, and any other in that cell must be written twice."
        ),
        values={"first": line, "last": last},
    )


def _json_lines(text: str) -> Iterator[Record]:
    """The names of all objects come first, as a header would; a name that an object lacks is an empty cell."""
    found: list[tuple[int, dict[str, str] | RowProblem]] = []
    for line, source in enumerate(text.split("\n"), 1):
        if source.strip() and (row := _object(line, source)):
            if len(found) == tables.MOST_ROWS:
                raise tables.too_many_rows()
            found.append((line, row))
    columns = list(dict.fromkeys(name for _, row in found if isinstance(row, dict) for name in row))
    if found and not columns:
        raise Refusal(
            N_("No line of the file is a JSON object. Write one with named fields on each line, and no list around.")
        )
    yield 0, columns, ()
    for line, row in found:
        if isinstance(row, RowProblem):
            yield line, (), (row,)
        else:
            yield line, [row.get(column, "") for column in columns], ()


def _object(line: int, source: str) -> dict[str, str] | RowProblem:
    try:
        value = json.loads(source, object_pairs_hook=_named_once)
        if isinstance(value, dict):
            return {name: _cell(part) for name, part in value.items()}
        message, values = N_("The line is JSON, but not an object with named fields."), {}
    except json.JSONDecodeError as error:
        message, values = N_("The JSON of the line breaks off at character %(position)s."), {"position": error.pos + 1}
    except (ValueError, RecursionError):
        message, values = N_("The JSON of the line names a field twice, or a number or a nesting goes too far."), {}
    return RowProblem(row=line, message=message, values=values)


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(named := dict(pairs)) < len(pairs):
        raise ValueError("a name occurs twice")
    return named


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, allow_nan=False)
