"""A version of an eval set as a file that people open in a spreadsheet and that comes back as the same version."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import openpyxl
from openpyxl.cell import WriteOnlyCell

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import spreadsheets
from core.evaluation.eval_sets import EvalSet
from core.intake import columns, importing
from core.intake.tables import Table
from core.locale.mark import N_
from core.store import audit

COLUMNS = ("key", "input", "context", "reference", "kind", "pair", "group", "split", "critical", "tags")
MARK = "countersign"
"""The last column: its first cell says which set this is, so that a corrected file comes back under the same name."""

LONGEST_CELL = 32_767
"""Characters that a cell of a workbook may hold."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an exported file says about its set."""

    name: str
    scorer: str
    schema: Mapping[str, Any] | None


def to_csv(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet, *, by: Person) -> bytes:
    """CSV in UTF-8 with a byte order mark; cells that could be run as formulas begin with an apostrophe."""
    _note(conn, eval_set, by, "csv")
    fields = _field_names(conn, eval_set)
    return spreadsheets.csv_bytes(_header(fields), _rows(conn, eval_set, fields))


def to_jsonl(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet, *, by: Person) -> bytes:
    """One JSON object on each line, every text as it is."""
    _note(conn, eval_set, by, "jsonl")
    fields = _field_names(conn, eval_set)
    header = _header(fields)
    out = io.StringIO()
    for row in _rows(conn, eval_set, fields, escaped=False):
        out.write(json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False) + "\n")
    return out.getvalue().encode()


def to_xlsx(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet, *, by: Person) -> bytes:
    """A workbook of texts. Raises Refusal when a text is longer than a cell may be."""
    _note(conn, eval_set, by, "xlsx")
    fields = _field_names(conn, eval_set)
    for number, row in enumerate(_rows(conn, eval_set, fields), 1):  # before the first is written
        if max(len(_cell(text)) for text in row) > LONGEST_CELL:
            raise Refusal(
                N_("Sample %(number)s has more than %(limit)s characters in one cell. Export it as CSV or JSONL."),
                number=number,
                limit=f"{LONGEST_CELL:,}",
            )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("samples")
    sheet.append(list(_header(fields)))
    for row in _rows(conn, eval_set, fields):
        cells = [WriteOnlyCell(sheet, _cell(text)) if text else None for text in row]
        for cell in cells:
            if cell is not None:
                cell.data_type = "s"
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(text: str) -> str:
    return _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", spreadsheets.escape(text))


def restored(table: Table) -> tuple[Table, About | None]:
    """The table as it was exported, without the apostrophes, and what it says about its set.

    A table that no export wrote is given back as it is.
    """
    if table.columns[: len(COLUMNS)] != COLUMNS or table.columns[-1:] != (MARK,):
        return table, None
    try:
        found = json.loads(spreadsheets.unescape(next(cells[-1] for cells in table.cells if cells[-1])))
        about = About(name=found["name"], scorer=found["scorer"], schema=found["schema"])
        escaped = bool(found["escaped"])
    except (StopIteration, ValueError, KeyError, TypeError):
        return table, None
    if not escaped:
        return table, about
    return replace(table, cells=[tuple(map(spreadsheets.unescape, cells)) for cells in table.cells]), about


def _note(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet, by: Person, kind: str) -> None:
    """An export holds locked samples too, so it is kept who took one."""
    roles.require(by, "eval_set.import")
    detail = {"name": eval_set.name, "version": eval_set.version, "as": kind}
    with audit.change(conn, actor=by.person_id, act="eval_set.exported", subject=eval_set.eval_set_id, detail=detail):
        pass


def _header(fields: list[str]) -> tuple[str, ...]:
    return (*COLUMNS, *(columns.FIELD + name for name in fields), MARK)


def _field_names(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet) -> list[str]:
    query = """
        select distinct unnest(json_keys(fields)) as name from eval_set_samples join samples using (sample_id)
        where eval_set_id = ? and fields is not null order by name
    """
    return [name for (name,) in conn.execute(query, [eval_set.eval_set_id]).fetchall()]


def _rows(
    conn: duckdb.DuckDBPyConnection, eval_set: EvalSet, fields: list[str], *, escaped: bool = True
) -> Iterator[tuple[str, ...]]:
    about = {"countersign": 1, "escaped": escaped, "name": eval_set.name, "scorer": eval_set.scorer}
    mark = json.dumps({**about, "schema": eval_set.schema}, ensure_ascii=False)
    query = """
        select key, input, context, reference, kind, pair, group_id, split, critical, tags, fields
        from eval_set_samples join samples using (sample_id) where eval_set_id = ? order by position
    """
    result = conn.execute(query, [eval_set.eval_set_id])
    while found := result.fetchmany(2000):
        for *texts, critical, tags, further in found:
            known = json.loads(further) if further else {}
            yes = "yes" if critical else ""
            yield (*texts, yes, _tags(tags), *(known.get(name, "") for name in fields), mark)
            mark = ""


def _tags(tags: list[str]) -> str:
    """The tags between commas, or as a JSON list where they would not be read the same again."""
    text = ", ".join(tags)
    return text if importing.tags(text) == tuple(tags) else json.dumps(tags, ensure_ascii=False)
