"""Workbooks: cells as a person sees them, and none that could fill the memory."""

import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from core.intake import files, tables, workbooks
from tests.uploads import SHEET, SPACE, refusal, sheet, with_part, workbook


def test_workbook_cells_are_read_as_a_person_sees_them():
    content = workbook(
        ["text", "day", "moment", "count", "share", "flag", "empty"],
        ["两行\n文字", date(2026, 3, 1), datetime(2026, 3, 1, 9, 30), 12, 0.1 + 0.2, True, None],
        ["b", None, None, 12.0, 1e6, False, None],
        [None],
        ["c"],
    )
    table = files.read("a.XLSX", content)
    assert [list(row.values()) for row in table.rows] == [
        ["两行\n文字", "2026-03-01", "2026-03-01 09:30:00", "12", "0.3", "TRUE", ""],
        ["b", "", "", "12", "1000000", "FALSE", ""],
        ["c", "", "", "", "", "", ""],
    ]
    assert table.lines == [2, 3, 5]
    assert not table.problems


def test_texts_that_a_workbook_keeps_once_for_all_cells_are_found():
    content = workbook(["placeholder"])
    types = zipfile.ZipFile(io.BytesIO(content)).read("[Content_Types].xml").decode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    added = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    content = with_part(content, "[Content_Types].xml", types.replace("</Types>", added))
    texts = "<si><t>text</t></si><si><t>two_x000D_\nlines</t></si><si><r><t>rich </t></r><r><t>text</t></r></si>"
    content = with_part(content, "xl/sharedStrings.xml", f'<sst xmlns="{SPACE}">{texts}</sst>')
    cells = "".join(f'<row><c t="s"><v>{number}</v></c></row>' for number in (0, 1, 2, 1))
    table = files.read("a.xlsx", with_part(content, SHEET, sheet(cells)))
    assert [row["text"] for row in table.rows] == ["two\r\nlines", "rich text", "two\r\nlines"]


def test_the_first_sheet_that_is_shown_is_read_even_with_a_wrong_dimension():
    book = openpyxl.Workbook()
    book.active.append(["hidden"])
    book.active.sheet_state = "hidden"
    shown = book.create_sheet("shown")
    for row in (["text"], ["a"], ["b"]):
        shown.append(row)
    book.create_sheet("later").append(["not read"])
    out = io.BytesIO()
    book.save(out)
    part = zipfile.ZipFile(out).read("xl/worksheets/sheet2.xml").decode()
    assert 'ref="A1:A3"' in part
    content = with_part(out.getvalue(), "xl/worksheets/sheet2.xml", part.replace('ref="A1:A3"', 'ref="A1:A2"'))
    assert files.read("a.xlsx", content).rows == [{"text": "a"}, {"text": "b"}]


def test_cells_beyond_the_header_are_a_problem_of_their_row():
    table = files.read("a.xlsx", workbook(["text", "label"], ["a", "x"], ["b", "y", "stray"]))
    assert [(problem.row, problem.values) for problem in table.problems] == [(3, {"found": 3, "expected": 2})]


def test_formulas_give_their_stored_result_and_are_a_problem_without_one():
    content = with_part(workbook(["text"]), SHEET, sheet(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c><c r="B1" t="inlineStr"><is><t>n</t></is></c></row>'
        '<row r="2"><c r="A2" t="str"><f>"a"&amp;"b"</f><v>ab</v></c><c r="B2"><f>1+1</f><v>2</v></c></row>'
        '<row r="3"><c r="A3" t="str"><f>""</f><v></v></c><c r="B3"><f>1+2</f><v>3</v></c></row>'
        '<row r="4"><c r="A4" t="inlineStr"><is><t>c</t></is></c><c r="B4"><f>1+3</f></c></row>'
        '<row r="5"><c r="A5" t="inlineStr"><is><t>d</t></is></c><c r="B5" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    ))  # fmt: skip
    table = files.read("a.xlsx", content)
    assert table.rows == [{"text": "ab", "n": "2"}, {"text": "", "n": "3"}]
    assert [(problem.row, problem.column) for problem in table.problems] == [(4, "n"), (5, "n")]
    assert "no stored result" in str(table.problems[0])
    assert "#DIV/0!" in str(table.problems[1])


def test_a_small_workbook_that_declares_a_huge_size_is_refused_unread():
    content = bytearray(workbook(["text"], ["a"]))
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (1_000_000_000).to_bytes(4, "little")
    assert "unpacks to 1,000 MB, which is too much" in refusal("a.xlsx", bytes(content))


def test_a_workbook_that_unpacks_to_far_more_than_its_size_is_refused():
    content = with_part(workbook(["text"], ["a"]), SHEET, sheet("<row/>" * 1_000_000))
    assert len(content) < 20_000
    assert "unpacks to 6 MB" in refusal("a.xlsx", content)


def test_a_workbook_that_declares_too_little_is_not_unpacked_further():
    content = bytearray(workbook(["text"], *[["a"]] * 1000))
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(SHEET.encode()))
    content[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    assert "not an XLSX workbook, or a damaged one" in refusal("a.xlsx", bytes(content))


@pytest.mark.parametrize(
    "part",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + sheet("<row><c><v>&b;</v></c></row>"),
        sheet("<row>" + "".join(f'<c s="{number % 977}"/>' for number in range(200_001)) + "</row>"),
        sheet('<row r="1"><c><v>1</v></c></row><row r="999999999"><c><v>1</v></c></row>'),
    ],
)
def test_a_workbook_made_to_fill_the_memory_is_refused(part):
    assert "built as no spreadsheet program builds one" in refusal("a.xlsx", with_part(workbook(["text"]), SHEET, part))


def test_limits_on_parts_elements_and_text_hold(monkeypatch):
    content = workbook(["text"], ["a" * 60], ["a" * 60])
    monkeypatch.setattr(tables, "MOST_TEXT", 100)
    assert "more than 100 characters together" in refusal("a.xlsx", content)
    monkeypatch.setattr(workbooks, "MOST_ELEMENTS", 10)
    assert "built as no spreadsheet program" in refusal("a.xlsx", content)
    monkeypatch.setattr(workbooks, "MOST_ELEMENTS", 10_000)
    monkeypatch.setattr(workbooks, "MOST_PARTS", 3)
    assert "built as no spreadsheet program" in refusal("a.xlsx", content)
