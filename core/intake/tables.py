"""Tables of text: named columns, rows, and the rows that could not be read, each with the reason."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from core.errors import Refusal
from core.locale.mark import N_

LONGEST_CELL = 100_000
LONGEST_NAME = 200
MOST_ROWS = 200_000
MOST_COLUMNS = 200
MOST_TEXT = 200_000_000
"""Characters in all cells together, since a workbook may say one long text in every row and stay small."""

_NOT_TEXT = re.compile("[\0\ud800-\udfff]")

ProblemKind = Literal[
    "unreadable", "too_long", "not_text", "formula", "empty", "unknown_word", "contradiction", "clash"
]
"""unreadable: the row's shape. too_long, not_text, formula, empty, unknown_word: one cell. contradiction: rows that say
different things about one question. clash: a key or a group that another row has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """Why a row was left out: a gettext message id with its fields, the line the row began in, and its column."""

    row: int
    kind: ProblemKind = "unreadable"
    column: str | None = None
    message: str
    values: Mapping[str, object] = field(default_factory=dict)
    cells: tuple[str, ...] = field(default=(), compare=False)
    """All that the row holds: its cells, or its text as one where it could not be cut into cells."""

    def __str__(self) -> str:
        return self.message % self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Every row of a file: those that could be read in `cells`, the others in `problems`. Blank rows are no rows.

    `cells[i]` has a text for every column and began in line `lines[i]`. Lines count from 1 and include the header: in
    text files as an editor counts them, in workbooks as the sheet numbers its rows, in Parquet and Arrow without one.
    """

    columns: tuple[str, ...]
    cells: list[tuple[str, ...]]
    lines: list[int]
    encoding: str
    problems: tuple[RowProblem, ...]
    shape: str = ""
    """How conversations were recognised (see conversations.py); empty for a plain table."""
    unread: tuple[str, ...] = ()
    """Columns that hold bytes, such as pictures, which no cell of text can."""

    @property
    def rows(self) -> list[dict[str, str]]:
        """The cells by their column's name."""
        return [dict(zip(self.columns, cells, strict=True)) for cells in self.cells]


Record = tuple[int, Sequence[str], Sequence[RowProblem]]
"""The line a row began in, its cells, and what is wrong with it so far."""


def assemble(records: Iterable[Record], encoding: str, shape: str = "", unread: tuple[str, ...] = ()) -> Table:
    """The table of the records, the first of which names the columns.

    Raises Refusal for columns without a name of their own, for no row at all, and for too much of anything.
    """
    records = iter(records)
    columns = _columns(next(records, (0, (), ())))
    width = len(columns)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    problems: list[RowProblem] = []
    size = 0
    for count, (line, cells, known) in enumerate(records, 1):
        if count > MOST_ROWS:
            raise too_many_rows()
        text = "".join(cells)
        size += len(text)
        if size > MOST_TEXT:
            raise too_much_text()
        odd = known or len(cells) != width or len(text) > LONGEST_CELL or _not_text(text)
        if odd and (found := known or list(_problems(line, columns, cells))):
            problems += [replace(problem, cells=tuple(cells)) for problem in found]
            continue
        rows.append(tuple(cells))
        lines.append(line)
    if not rows and not problems:
        raise Refusal(N_("The file names its columns but has no row below them. Add at least one row."))
    return Table(
        columns=columns,
        cells=rows,
        lines=lines,
        encoding=encoding,
        problems=tuple(problems),
        shape=shape,
        unread=unread,
    )


def too_much_text() -> Refusal:
    return Refusal(
        N_("The cells hold more than %(limit)s characters together. Split the file into smaller ones."),
        limit=f"{MOST_TEXT:,}",
    )


def too_many_rows() -> Refusal:
    return Refusal(N_("The file has more than %(limit)s rows. Split it into smaller files."), limit=f"{MOST_ROWS:,}")


def _columns(header: Record) -> tuple[str, ...]:
    line, cells, problems = header
    if problems:
        raise Refusal(
            N_("The column names in line %(line)s cannot be read. Write plain words, without quotes or formulas."),
            line=line,
        )
    columns = tuple(cell.strip() for cell in cells)
    if not columns:
        raise Refusal(N_("The file is empty. It needs a row of column names and at least one row below it."))
    if len(columns) > MOST_COLUMNS:
        raise Refusal(
            N_("The file has %(count)s columns; at most %(limit)s can be read. Leave out those that are not needed."),
            count=len(columns),
            limit=MOST_COLUMNS,
        )
    for number, column in enumerate(columns, 1):
        if not column:
            raise Refusal(
                N_("Column %(number)s has no name. The first row must name every column; give it one."), number=number
            )
        if len(column) > LONGEST_NAME or _not_text(column):
            raise Refusal(
                N_(
                    "Column %(number)s has no usable name: it has %(length)s characters, or some that are not text. "
                    "The first row must name the columns, each in at most %(limit)s characters."
                ),
                number=number,
                length=len(column),
                limit=LONGEST_NAME,
            )
    if twice := [column for column, count in Counter(columns).items() if count > 1]:
        raise Refusal(
            N_("More than one column has the name %(names)s. Give every column a name of its own."),
            names=", ".join(f"“{column}”" for column in twice),
        )
    return columns


def _problems(line: int, columns: tuple[str, ...], cells: Sequence[str]) -> Iterator[RowProblem]:
    if len(cells) != len(columns):
        yield RowProblem(
            row=line,
            message=N_(
                "The row has %(found)s cells where there are %(expected)s columns. A cell with the separator or a line "
                "break in it must stand in double quotes."
            ),
            values={"found": len(cells), "expected": len(columns)},
        )
        return
    for column, cell in zip(columns, cells, strict=True):
        if len(cell) > LONGEST_CELL:
            yield RowProblem(
                row=line,
                kind="too_long",
                column=column,
                message=N_("The cell has %(length)s characters; at most %(limit)s can be read. Shorten it."),
                values={"length": f"{len(cell):,}", "limit": f"{LONGEST_CELL:,}"},
            )
        elif bad := _not_text(cell):
            yield RowProblem(
                row=line,
                kind="not_text",
                column=column,
                message=N_("The cell holds %(code)s, which is not a character of any text. Remove it."),
                values={"code": bad},
            )


def _not_text(text: str) -> str:
    """The first NUL or lone surrogate, as in `U+D83D`, or nothing."""
    if text.isascii() and "\0" not in text:
        return ""
    found = _NOT_TEXT.search(text)
    return f"U+{ord(found[0]):04X}" if found else ""
