"""From a table to samples: which rows can be used as they are, and what is wrong with the others."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from core import content
from core.intake import columns
from core.intake.columns import FIELD, PARTS, Mapping
from core.intake.tables import RowProblem, Table
from core.locale.mark import N_

Split = Literal["dev", "train", "gate", "retain"]
"""dev: for the ladder. train: may be learned from. gate: locked until the proof. retain: must not break."""
Kind = Literal["practice", "concept"]
"""practice: a case as it comes in. concept: the knowledge behind it."""

_KINDS, _SPLITS = get_args(Kind), get_args(Split)
_YES = ("true", "yes", "y", "1", "是")
_NO = ("false", "no", "n", "0", "否")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that can become a sample. Texts are as in the file; no split means one is to be drawn."""

    key: str
    input: str
    context: str
    reference: str
    kind: Kind
    pair: str
    group_id: str
    split: Split | None
    critical: bool
    tags: tuple[str, ...]
    line: int
    fields: tuple[tuple[str, str], ...] = ()
    """Further columns by name, those with a text only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Every row of the table: to use, with its problems, or in `duplicates` as (line it repeats, line left out)."""

    rows: tuple[Row, ...]
    problems: tuple[RowProblem, ...]
    duplicates: tuple[tuple[int, int], ...]


def normalise(text: str) -> str:
    """The text as two people would call it the same: NFKC, and every run of white space one space."""
    return " ".join((text if text.isascii() else unicodedata.normalize("NFKC", text)).split())


def check(table: Table, mapping: Mapping) -> Import:
    """Sort the table's rows into those to use, those with a problem, and repetitions of an earlier one.

    Rows are repetitions when input, context and reference are the same after `normalise`; two references for one
    input and context are a problem of every row concerned. Raises Refusal when the mapping does not fit the table.
    """
    columns.fit(table.columns, mapping)
    read = _reader(table, mapping)
    problems = list(table.problems)
    questions: dict[tuple[str, str], Row | list[Row]] = {}
    for line, cells in zip(table.lines, table.cells, strict=True):
        row = read(line, cells)
        if isinstance(row, Row):
            question = normalise(row.input), normalise(row.context)
            first = questions.setdefault(question, row)
            if isinstance(first, list):
                first.append(row)
            elif first is not row:
                questions[question] = [first, row]
        else:
            problems += row
    rows: list[Row] = []
    duplicates: list[tuple[int, int]] = []
    for same in questions.values():
        if isinstance(same, Row):
            rows.append(same)
        elif other := _disagreeing(same):
            problems += other
        else:
            rows.append(same[0])
            duplicates += [(same[0].line, row.line) for row in same[1:]]
    unique = tuple(_without_clashes(rows, problems))
    return Import(
        rows=unique,
        problems=tuple(sorted(problems, key=lambda problem: problem.row)),
        duplicates=tuple(sorted(duplicates, key=lambda pair: pair[1])),
    )


def _reader(table: Table, mapping: Mapping) -> Callable[[int, Sequence[str]], Row | list[RowProblem]]:
    """What turns the cells of one line into a row, with each part's place looked up once for the whole file."""
    names: dict[str, str | None] = {part: getattr(mapping, part) for part in PARTS}
    places = {part: table.columns.index(column) for part, column in names.items() if column is not None}
    kept = [(column.removeprefix(FIELD), table.columns.index(column)) for column in mapping.fields]

    def read(line: int, cells: Sequence[str]) -> Row | list[RowProblem]:
        found = {part: cells[place] for part, place in places.items()}
        problems: list[RowProblem] = []

        def word(part: str, known: Sequence[str]) -> str:
            """The cell in lower case if it is one of the known words or empty."""
            said = normalise(found.get(part, "")).casefold()
            if said and said not in known:
                problems.append(_unknown(line, names[part], said, known))
            return said

        asked = normalise(found["input"])
        if not asked:
            message = N_("The input is empty. Fill it in, or delete the row.")
            problems.append(RowProblem(row=line, kind="empty", column=mapping.input, message=message))
        row = Row(
            key=found.get("key", "").strip() or f"row-{line}",
            input=found["input"],
            context=found.get("context", ""),
            reference=found.get("reference", ""),
            kind=cast(Kind, word("kind", _KINDS) or "practice") if "kind" in found else "practice",
            pair=found.get("pair", "").strip(),
            group_id=found.get("group", "").strip() or content.name("group", asked),
            split=cast(Split | None, word("split", _SPLITS) or None) if "split" in found else None,
            critical="critical" in found and word("critical", _YES + _NO) in _YES,
            tags=tags(found["tags"]) if found.get("tags") else (),
            line=line,
            fields=tuple((name, cells[place]) for name, place in kept if cells[place]),
        )
        return problems or row

    return read


def _unknown(line: int, column: str | None, said: str, known: Sequence[str]) -> RowProblem:
    return RowProblem(
        row=line,
        kind="unknown_word",
        column=column,
        message=N_("“%(word)s” is not a word known here. Write one of %(known)s, or leave the cell empty."),
        values={"word": said[:40], "known": ", ".join(known)},
    )


def tags(text: str) -> tuple[str, ...]:
    """The tags in a JSON list, or between commas, semicolons or bars, each once."""
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # not JSON, or JSON with half a character
        found = None
    words = map(str, found) if isinstance(found, list) else re.split(r"[,;|，；、]", text)
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


def _disagreeing(same: list[Row]) -> list[RowProblem]:
    """A problem for each of these rows with one input if their references differ, naming a row that differs."""
    references = [normalise(row.reference) for row in same]
    different = next((row for row, reference in zip(same, references, strict=True) if reference != references[0]), None)
    if different is None:
        return []
    return [
        RowProblem(
            row=row.line,
            kind="contradiction",
            message=N_("There are two different references for the same input: row %(other)s has another. Keep one."),
            values={"other": different.line if reference == references[0] else same[0].line},
        )
        for row, reference in zip(same, references, strict=True)
    ]


def _without_clashes(rows: list[Row], problems: list[RowProblem]) -> Iterator[Row]:
    """The rows whose key is new and whose group is in no other split, each with the split of its group."""
    keys: dict[str, int] = {}
    splits: dict[str, tuple[Split, int]] = {}
    for row in rows:
        if row.split:
            splits.setdefault(row.group_id, (row.split, row.line))
    for row in rows:
        split, line = splits.get(row.group_id, (None, 0))
        if (first := keys.setdefault(row.key, row.line)) != row.line:
            message = N_("The key “%(key)s” is that of row %(other)s already. Give every row a key of its own.")
            problems.append(_clash(row, message, {"key": row.key[:40], "other": first}))
        elif row.split and row.split != split:
            message = N_(
                "The row is in the split “%(split)s”, but row %(other)s of the same group is in “%(first)s”. Put both "
                "in one, so that nothing is tested on what was learned from."
            )
            values: dict[str, object] = {"split": row.split, "other": line, "first": split}
            problems.append(_clash(row, message, values))
        else:
            yield row if row.split == split else replace(row, split=split)


def _clash(row: Row, message: str, values: dict[str, object]) -> RowProblem:
    return RowProblem(row=row.line, kind="clash", message=message, values=values)
