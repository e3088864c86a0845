"""JSON Lines, and one JSON list of objects: each object a row, whatever it holds turned into text."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from core.errors import Refusal
from core.intake import conversations, tables
from core.intake.tables import Record, RowProblem, Table
from core.locale.mark import N_

Object = tuple[int, dict[str, Any] | RowProblem, str]
"""The line an object began in, its named parts or why it cannot be used, and its text, empty where it had none."""

_BETWEEN = re.compile(r"[\s,]*")
_LIST = re.compile(r"\s*\[\s*\{")


def read(text: str, encoding: str) -> Table:
    """The table of the objects in the text, which is one list of them or has one on each line."""
    return assemble(_list(text) if _LIST.match(text) else _lines(text), encoding)


def assemble(objects: Iterable[Object], encoding: str, unread: tuple[str, ...] = ()) -> Table:
    """The table of the objects; conversations in them become an input, a reference and a context.

    The names of all objects are the columns, in the order they first occur; a name an object lacks is an empty cell.
    """
    shape: conversations.Shape | None = None
    places: dict[str, int] = {}
    found: list[tuple[int, list[str] | RowProblem]] = []
    size = 0
    for line, value, source in objects:
        if len(found) == tables.MOST_ROWS:
            raise tables.too_many_rows()
        if isinstance(value, RowProblem):
            found.append((line, replace(value, cells=(source,))))
            continue
        if shape is None:
            shape = conversations.recognise(value)
        flat = conversations.flatten(shape, value, line)
        row = flat if isinstance(flat, RowProblem) else _cells(flat, places, line)
        if isinstance(row, RowProblem):
            row = replace(row, cells=(source or json.dumps(value, ensure_ascii=False, default=str),))
        size += sum(map(len, row)) if isinstance(row, list) else 0
        if size > tables.MOST_TEXT:
            raise tables.too_much_text()
        found.append((line, row))
    if found and not places:
        raise Refusal(
            N_(
                "No line of the file is a JSON object. Write one with named fields on each line, or one list of such "
                "objects."
            )
        )
    return tables.assemble(_records(places, found), encoding, shape or "", unread)


def _records(places: dict[str, int], found: list[tuple[int, list[str] | RowProblem]]) -> Iterator[Record]:
    yield 0, list(places), ()
    for line, row in found:
        if isinstance(row, RowProblem):
            yield line, row.cells, (row,)
        else:
            yield line, row + [""] * (len(places) - len(row)), ()


def _cells(value: dict[str, Any], places: dict[str, int], line: int) -> list[str] | RowProblem:
    row = [""] * len(places)
    try:
        for name, part in value.items():
            place = places.setdefault(name, len(places))
            cell = part if isinstance(part, str) else _cell(part)
            if place < len(row):
                row[place] = cell
            else:
                row += [""] * (place - len(row)) + [cell]
    except (ValueError, RecursionError):
        return _too_far(line)
    return row


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list, bool, int, float)):
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
    return str(value)  # what JSON has no word for, such as a date in a Parquet file


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(named := dict(pairs)) < len(pairs):
        raise ValueError("a name occurs twice")
    return named


_DECODER = json.JSONDecoder(object_pairs_hook=_named_once)


def begins_with_object(text: str) -> bool:
    """Whether the text begins with a line that is a JSON object."""
    try:
        return isinstance(_DECODER.decode(text.lstrip().partition("\n")[0]), dict)
    except (ValueError, RecursionError):
        return False


def _lines(text: str) -> Iterator[Object]:
    for line, source in enumerate(text.split("\n"), 1):
        if not source.strip():
            continue
        try:
            yield line, _object(line, _DECODER.decode(source)), source
        except json.JSONDecodeError as error:
            message = N_("The JSON of the line breaks off at character %(position)s.")
            yield line, RowProblem(row=line, message=message, values={"position": error.pos + 1}), source
        except (ValueError, RecursionError):
            yield line, _too_far(line), source


def _list(text: str) -> Iterator[Object]:
    """The members of the list one by one, so that a large file is never held as objects all at once."""
    place, line, counted = text.index("[") + 1, 1, 0
    while True:
        place = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing at least
        line, counted = line + text.count("\n", counted, place), place
        if text[place : place + 1] == "]":
            return
        try:
            value, place = _DECODER.raw_decode(text, place)
        except json.JSONDecodeError as error:
            message = N_("The JSON breaks off at character %(position)s of the file; nothing after it could be read.")
            yield line, RowProblem(row=line, message=message, values={"position": error.pos + 1}), text[place:]
            return
        except (ValueError, RecursionError):
            try:
                _, place = json.JSONDecoder().raw_decode(text, place)
            except (ValueError, RecursionError):
                yield line, _too_far(line), text[counted:]
                return
            yield line, _too_far(line), text[counted:place]
        else:
            yield line, _object(line, value), text[counted:place]


def _object(line: int, value: Any) -> dict[str, Any] | RowProblem:
    if isinstance(value, dict):
        return value
    return RowProblem(row=line, message=N_("The line is JSON, but not an object with named fields."))


def _too_far(line: int) -> RowProblem:
    message = N_("The JSON of the line names a field twice, or a number or a nesting goes too far.")
    return RowProblem(row=line, message=message)
