"""The rows of a file that cannot be used, as a file of their own: to correct and import again."""

from collections.abc import Callable, Sequence

from core.evaluation import spreadsheets
from core.evaluation.tables import RowProblem, Table

HEADER = ("problem_row", "problem_kind", "problem_column", "problem")
"""Columns in front of the file's own. They are no part of a sample, so a corrected file can be imported as it is."""


def write(table: Table, problems: Sequence[RowProblem], word: Callable[[RowProblem], str]) -> bytes:
    """A CSV file with one line for each problem: row, kind, column, its wording, then the cells where they are known.

    A row that could not be cut into cells has none.
    """
    concerned = {problem.row for problem in problems}
    cells = {line: cells for line, cells in zip(table.lines, table.cells, strict=True) if line in concerned}
    nothing = ("",) * len(table.columns)
    return spreadsheets.csv_bytes(
        (*HEADER, *table.columns),
        (
            (str(problem.row), problem.kind, problem.column or "", word(problem), *cells.get(problem.row, nothing))
            for problem in problems
        ),
    )
