"""The rows of an XLSX workbook, after a look at whether it is safe to unpack."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, time
from typing import Any
from xml.parsers import expat

import openpyxl
from openpyxl.utils import get_column_letter

from core.errors import Refusal
from core.intake.tables import Record, RowProblem
from core.locale.mark import N_

MOST_PARTS = 2_000
MOST_UNPACKED = 200_000_000
"""Bytes."""
MOST_UNPACKED_PER_BYTE = 200
"""Ordinary sheets unpack to 5 to 50 times their size."""
MOST_ELEMENTS = 8_000_000
"""XML elements, two or three to a cell: 200,000 rows of a dozen cells. openpyxl takes two minutes for these."""
MOST_ELEMENTS_AT_ONCE = 200_000
"""XML elements in one row or outside of rows, which openpyxl holds in memory together."""
MOST_LINES = 1_048_576
"""As many as a sheet can have."""

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
"""How workbooks write what XML cannot hold, such as a carriage return."""
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def records(content: bytes) -> Iterator[Record]:
    """The rows of the first sheet that is shown, without the blank ones, as the text a person sees in them.

    Raises Refusal when this is not a workbook, or one that would unpack to more than is reasonable.
    """
    try:
        formulas = _inspect(content)
        yield from _rows(content, formulas)
    except Refusal:
        raise
    except Exception as error:  # broken workbooks raise nearly anything
        raise Refusal(
            N_(
                "This is not an XLSX workbook, or a damaged one (%(error)s). Open it in a spreadsheet program, save it "
                "as XLSX and import that."
            ),
            error=type(error).__name__,
        ) from error


def _inspect(content: bytes) -> bool:
    """Refuse what would fill the memory; say whether there are formulas.

    Sizes are those in the directory, and zipfile never reads on beyond them. Contents are parsed and not kept.
    """
    elements = at_once = 0
    formulas = False

    def element(name: str, _: object) -> None:
        nonlocal elements, at_once, formulas
        elements += 1
        at_once += 1
        kind = name.rpartition(":")[2]
        if kind in ("row", "si"):
            at_once = 0
        elif kind == "f":
            formulas = True
        if elements > MOST_ELEMENTS or at_once > MOST_ELEMENTS_AT_ONCE:
            raise _unreasonable()

    def doctype(*_: object) -> None:
        raise _unreasonable()  # its entities may unpack to anything

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        if unpacked > min(MOST_UNPACKED, MOST_UNPACKED_PER_BYTE * len(content)):
            raise Refusal(
                N_(
                    "The workbook has %(size)s MB but unpacks to %(unpacked)s MB, which is too much. Save the sheet "
                    "that is needed as CSV and import that."
                ),
                size=f"{len(content) / 1e6:.1f}",
                unpacked=f"{unpacked / 1e6:,.0f}",
            )
        if len(parts) > MOST_PARTS or any(part.compress_type not in _COMPRESSIONS for part in parts):
            raise _unreasonable()
        for part in parts:
            at_once = 0
            parser = expat.ParserCreate()
            parser.StartElementHandler = element
            parser.StartDoctypeDeclHandler = doctype
            with archive.open(part) as stream:
                try:
                    while chunk := stream.read(1 << 20):
                        parser.Parse(chunk)
                except expat.ExpatError:
                    continue  # a picture, say; openpyxl stops at the same place if it needs this part
    return formulas


def _rows(content: bytes, formulas: bool) -> Iterator[Record]:
    values = _sheet(content, data_only=True)
    pairs = zip(values, _sheet(content, data_only=False), strict=True) if formulas else ((row, row) for row in values)
    names: list[str] = []
    seen = 0
    for line, (row, written) in enumerate(pairs, 1):
        seen += len(row)
        if line > MOST_LINES or seen > MOST_ELEMENTS:
            raise _unreasonable()
        cells, problems = list[str](), list[RowProblem]()
        for number, (cell, source) in enumerate(zip(row, written, strict=True), 1):
            if message := _missing(cell, source):
                column = names[number - 1] if number <= len(names) else get_column_letter(number)
                problems.append(
                    RowProblem(row=line, kind="formula", column=column, message=message, values={"error": cell.value})
                )
            cells.append(_text(cell.value))
        while cells and not cells[-1].strip():
            cells.pop()
        if cells or problems:
            yield line, cells + [""] * (len(names) - len(cells)), problems
            names = names or cells


def _sheet(content: bytes, data_only: bool) -> Iterator[tuple[Any, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=data_only, keep_links=False)
    sheet = next((sheet for sheet in book.worksheets if sheet.sheet_state == "visible"), book.worksheets[0])
    sheet.reset_dimensions()  # some programs write wrong ones, and rows beyond them would be lost
    rows: Iterator[tuple[Any, ...]] = sheet.iter_rows()
    return rows


def _missing(cell: Any, source: Any) -> str:
    """Why the cell has no value although something is written in it: a message, or nothing."""
    if cell.data_type == "e":
        return N_("The cell shows the error %(error)s. Correct it in the workbook.")
    # An empty text that a formula gave is of type "str".
    if source.data_type == "f" and cell.value is None and cell.data_type != "str":
        return N_(
            "The formula of the cell has no stored result. Open the workbook in a spreadsheet program, save it, and "
            "import it again."
        )
    return ""


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
        case bool():
            return str(value).upper()
        case float():
            return f"{value:.15g}"  # as many digits as a spreadsheet shows
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case _:
            return str(value)


def _unreasonable() -> Refusal:
    return Refusal(
        N_(
            "This workbook is built as no spreadsheet program builds one, and could fill the memory. Save the sheet "
            "that is needed as CSV and import that."
        )
    )
