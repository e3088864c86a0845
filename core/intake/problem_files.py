"""The rows of a file that cannot be used, as a file of their own: to correct and import again."""

import json
from collections.abc import Callable, Sequence

from core.evaluation import spreadsheets
from core.intake.tables import RowProblem, Table

HEADER = ("problem_row", "problem_kind", "problem_column", "problem")
"""Columns in front of the file's own. They are no part of a sample, so a corrected file can be imported as it is."""
APART = "problem_cell_%s"
"""Columns behind the file's own, from 1: cells of rows that have more or fewer than there are columns."""
MOST_APART = 50
"""The last of these columns holds all further cells, as a JSON list."""


def write(table: Table, problems: Sequence[RowProblem], word: Callable[[RowProblem], str]) -> bytes:
    """A CSV file with one line for each problem: row, kind, column, its wording, then every cell of the row.

    Of a row that could not be read nobody knows which cell belongs where: its cells, or its text as one, stand behind
    the file's own columns, which stay empty. So it is no sample before somebody has put them in their places.
    """
    concerned = {problem.row for problem in problems}
    read = {line: cells for line, cells in zip(table.lines, table.cells, strict=True) if line in concerned}
    rows = [(problem, *_placed(problem, read.get(problem.row), len(table.columns))) for problem in problems]
    width = min(MOST_APART, max((len(apart) for _problem, _own, apart in rows), default=0))
    return spreadsheets.csv_bytes(
        (*HEADER, *table.columns, *(APART % number for number in range(1, width + 1))),
        (
            (str(problem.row), problem.kind, problem.column or "", word(problem), *own, *_padded(apart, width))
            for problem, own, apart in rows
        ),
    )


def _placed(problem: RowProblem, read: tuple[str, ...] | None, width: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The row's cells in the file's own columns, and those apart: one of the two holds them all."""
    cells = read or problem.cells
    if problem.kind != "unreadable" and len(cells) == width:
        return cells, ()
    return ("",) * width, cells


def _padded(cells: Sequence[str], width: int) -> list[str]:
    """So many cells; the last one has all further ones in it."""
    apart = list(cells)
    if len(apart) > width:
        apart[width - 1 :] = [json.dumps(apart[width - 1 :], ensure_ascii=False)]
    return apart + [""] * (width - len(apart))
