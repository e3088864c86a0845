"""Files as people upload them: what is read, what is refused and with which words."""

import codecs
import io
import json
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Refusal
from core.evaluation import files, tables, workbooks

ENGLISH = "text,category\nIs my card on its way?,card_arrival\nHow much is the late fee?,late_fee\n"
CHINESE = "问题,意图\n我的卡寄出了吗？,寄卡进度\n逾期一天要收多少费用？,逾期费用\n"


def refusal(name: str, content: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        files.read(name, content)
    return str(caught.value)


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_part(content: bytes, part: str, text: str | bytes) -> bytes:
    """The workbook with one of its XML parts replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
        new.writestr(part, text)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def sheet(rows: str) -> str:
    return f'<worksheet xmlns="{SPACE}"><sheetData>{rows}</sheetData></worksheet>'


# encodings


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (CHINESE.encode("utf-8"), "UTF-8"),
        (codecs.BOM_UTF8 + CHINESE.encode("utf-8"), "UTF-8 (BOM)"),
        (codecs.BOM_UTF16_LE + CHINESE.encode("utf-16-le"), "UTF-16 LE"),
        (codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"), "UTF-16 BE"),
        (CHINESE.encode("utf-16-le"), "UTF-16 LE"),
        (CHINESE.encode("utf-16-be"), "UTF-16 BE"),
        (CHINESE.encode("gb18030"), "GB18030"),
    ],
)
def test_chinese_reads_the_same_in_every_encoding(content, encoding):
    table = files.read("questions.csv", content)
    assert table.encoding == encoding
    assert table.columns == ("问题", "意图")
    assert table.rows == [
        {"问题": "我的卡寄出了吗？", "意图": "寄卡进度"},
        {"问题": "逾期一天要收多少费用？", "意图": "逾期费用"},
    ]


def test_english_in_utf_16_without_a_mark_is_plain_enough():
    assert files.read("a.csv", ENGLISH.encode("utf-16-le")).rows == files.read("a.csv", ENGLISH.encode()).rows


def test_a_traditional_text_with_rare_characters_is_read_as_gb18030():
    text = "問題,意圖\n我的卡寄出了嗎？請問需要幾天,寄卡進度\n喆先生的帳單𠮷為什麼多了一筆,帳單\n"
    table = files.read("a.csv", text.encode("gb18030"))
    assert table.encoding == "GB18030"
    assert table.rows[1]["問題"] == "喆先生的帳單𠮷為什麼多了一筆"


def test_the_first_undecodable_byte_is_named_with_its_line():
    content = b"text,label\nfine,a\n" + b"caf\xe9 fee,b\n"
    assert content[21] == 0xE9
    said = refusal("a.csv", content)
    assert "byte 22, in line 3, is 0xE9" in said
    assert "Save the file as UTF-8" in said


def test_one_bad_byte_in_utf_8_is_not_taken_for_another_encoding():
    good = CHINESE.encode()
    said = refusal("a.csv", good + b"\xff\xfe,x\n")
    assert f"not valid UTF-8: byte {len(good) + 1}, in line 4, is 0xFF" in said


def test_western_text_is_refused_although_gb18030_would_give_it_a_reading():
    content = "text,label\nMa carte est détériorée,état\n".encode("cp1252")
    content.decode("gb18030")
    assert "not valid UTF-8" in refusal("a.csv", content)


def test_big5_is_refused_and_never_shown_as_other_characters():
    text = "問題,意圖\n請問我的信用卡分期手續費怎麼算,費用\n帳單裡多了一筆費用,帳單\n"
    assert "not valid UTF-8" in refusal("a.csv", text.encode("big5"))


def test_half_a_unit_at_the_end_of_utf_16_is_named():
    content = codecs.BOM_UTF16_LE + "text,label\na".encode("utf-16-le") + b"x"
    assert "not valid UTF-16 LE: byte 27, in line 2" in refusal("a.csv", content)


def test_nul_characters_are_refused_with_their_line():
    assert refusal("a.csv", b"text,label\na,b\nc\0,d\n").startswith("Line 3 holds a NUL character")


# whole files


@pytest.mark.parametrize("content", [b"", b" \n\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_an_empty_file_is_refused(name, content):
    assert refusal(name, content).startswith("The file is empty.")


def test_an_empty_workbook_is_refused():
    assert refusal("a.xlsx", b"").startswith("The file is empty.")
    assert refusal("a.xlsx", workbook()).startswith("The file is empty.")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b"text,label\n"), ("a.csv", b"text,label\n,\n \n"), ("a.xlsx", workbook(["text", "label"]))],
)
def test_a_header_without_a_row_is_refused(name, content):
    assert refusal(name, content).startswith("The file names its columns but has no row")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b"text,id, text ,id\n1,2,3,4\n"), ("a.xlsx", workbook(["text", "id", "text", "id"], [1, 2, 3, 4]))],
)
def test_duplicate_headers_are_named(name, content):
    assert refusal(name, content).startswith("More than one column has the name “text”, “id”.")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"text,,label\n1,2,3\n"),
        ("a.xlsx", workbook(["text", None, "label"], [1, 2, 3])),
        ("a.jsonl", b'{"text": "a", " ": "b"}\n'),
    ],
)
def test_a_column_without_a_name_is_refused(name, content):
    assert refusal(name, content).startswith("Column 2 has no name.")


def test_a_first_row_of_text_is_not_taken_for_column_names():
    assert "Column 2 has no usable name: it has 300 characters" in refusal("a.csv", b"a," + b"b" * 300 + b"\nc,d\n")


@pytest.mark.parametrize("name", ["a.xls", "a.pdf", "a.json", "a"])
def test_other_types_of_file_are_refused(name):
    assert "Save it as CSV, JSONL or XLSX" in refusal(name, ENGLISH.encode())


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", workbook(["a"], ["b"]), "XLSX/ZIP"),
        ("a.jsonl", b"%PDF-1.7\n", "PDF"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS"),
        ("a.csv", b'{"text": "a"}\n{"text": "b"}\n', "JSONL"),
        ("a.xlsx", b"%PDF-1.7\n", "PDF"),
    ],
)
def test_a_wrong_ending_is_refused(name, content, found):
    assert f"what is in it is {found}." in refusal(name, content)


def test_a_workbook_that_is_none_is_refused():
    assert "not an XLSX workbook, or a damaged one (BadZipFile)" in refusal("a.xlsx", ENGLISH.encode())
    assert "not an XLSX workbook, or a damaged one" in refusal("a.xlsx", workbook(["a"], ["b"])[:-100])
    assert "an old XLS workbook, or one with a password" in refusal("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def test_more_bytes_columns_or_rows_than_can_be_handled_are_refused():
    assert "has 20.1 MB; at most 20 MB" in refusal("a.csv", b"text\n" + b"a" * 20_100_000)
    wide = ",".join(f"c{number}" for number in range(201))
    assert "has 201 columns; at most 200" in refusal("a.csv", f"{wide}\n{wide}\n".encode())
    assert "more than 200,000 rows" in refusal("a.csv", b"t\n" + b"a\n" * 200_001)
    assert "more than 200,000 rows" in refusal("a.jsonl", b'{"t":1}\n' * 200_001)
    assert len(files.read("a.csv", b"t\n" + b"a\n" * 200_000).rows) == 200_000


# delimited text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_separator_is_found(delimiter):
    text = f'text{delimiter}label\n"Yes, no; or | perhaps\tlater?"{delimiter}a\nPlain{delimiter}b\n'
    assert files.read("a.csv", text.encode()).rows == [
        {"text": "Yes, no; or | perhaps\tlater?", "label": "a"},
        {"text": "Plain", "label": "b"},
    ]


def test_one_column_needs_no_separator():
    assert files.read("a.csv", b"text\nIs it here?\n").rows == [{"text": "Is it here?"}]


def test_cells_of_several_lines_are_whole_and_rows_keep_the_line_they_begin_in():
    text = 'text,category\n"First line,\nsecond ""quoted"" line",a\n\nplain,b\r\n'
    table = files.read("a.csv", text.encode())
    assert table.rows[0]["text"] == 'First line,\nsecond "quoted" line'
    assert table.lines == [2, 5]


def test_ragged_rows_are_problems_and_the_others_are_kept():
    table = files.read("a.csv", b"text,label\nfine,a\ntoo,many,cells\ntoo few\nfine,b\n")
    assert [row["label"] for row in table.rows] == ["a", "b"]
    assert [(problem.row, problem.values) for problem in table.problems] == [
        (3, {"found": 3, "expected": 2}),
        (4, {"found": 1, "expected": 2}),
    ]


def test_a_double_quote_out_of_place_is_a_problem_with_the_lines_it_costs():
    table = files.read("a.csv", b'text,label\n"My" card,a\nfine,b\n"never closed,c\nswallowed,d\n')
    assert table.rows == [{"text": "fine", "label": "b"}]
    assert [problem.values for problem in table.problems] == [{"first": 2, "last": 2}, {"first": 4, "last": 5}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"text,label\n" + b"a" * 1_000_000 + b",x\nfine,y\n"),
        ("a.jsonl", b'{"text":"' + b"a" * 1_000_000 + b'","label":"x"}\n{"text":"fine","label":"y"}\n'),
        ("a.xlsx", with_part(workbook(["text", "label"]), SHEET, sheet(
            '<row><c t="inlineStr"><is><t>text</t></is></c><c t="inlineStr"><is><t>label</t></is></c></row>'
            f'<row><c t="inlineStr"><is><t>{"ab" * 500_000}</t></is></c><c t="inlineStr"><is><t>x</t></is></c></row>'
            '<row><c t="inlineStr"><is><t>fine</t></is></c><c t="inlineStr"><is><t>y</t></is></c></row>'
        ))),
    ],
)  # fmt: skip
def test_a_cell_of_a_million_characters_is_a_problem_naming_row_and_column(name, content):
    table = files.read(name, content)
    (problem,) = table.problems
    assert (problem.row, problem.column) == (1 if name == "a.jsonl" else 2, "text")
    assert str(problem).startswith("The cell has 1,000,000 characters; at most 100,000")
    assert table.rows == [{"text": "fine", "label": "y"}]


def test_half_characters_are_problems():
    content = codecs.BOM_UTF16_LE + "text,label\nsmile \ud83d,a\nfine,b\n".encode("utf-16-le", "surrogatepass")
    table = files.read("a.csv", content)
    assert [(problem.row, problem.column, problem.values) for problem in table.problems] == [
        (2, "text", {"code": "U+D83D"})
    ]
    table = files.read("a.jsonl", rb'{"text": "\ud83d"}' + b"\n" + rb'{"text": "a\u0000"}' + b"\n" + b'{"text": "ok"}')
    assert [problem.values["code"] for problem in table.problems] == ["U+D83D", "U+0000"]
    assert table.rows == [{"text": "ok"}]


# JSON Lines


def test_json_values_become_text_and_objects_stay_json():
    lines = [
        {"input": "卡在哪里？", "reference": {"intent": "寄卡", "n": [1, 2]}},
        {"input": "Fee?", "reference": "15", "n": 1.5, "critical": True, "note": None},
    ]
    content = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode("gb18030")
    table = files.read("a.jsonl", content)
    assert table.columns == ("input", "reference", "n", "critical", "note")
    assert table.rows[0] == {
        "input": "卡在哪里？", "reference": '{"intent": "寄卡", "n": [1, 2]}', "n": "", "critical": "", "note": ""
    }  # fmt: skip
    assert table.rows[1] == {"input": "Fee?", "reference": "15", "n": "1.5", "critical": "true", "note": ""}


def test_each_bad_json_line_is_a_problem_with_its_reason():
    nested = "[" * 100_000
    content = '{"t": "a"}\n{"t": }\n["t"]\n\n{"t": 1, "t": 2}\n{"t": NaN}\n' + nested + '\n{"t": "b"}\n'
    table = files.read("a.jsonl", content.encode())
    assert [row["t"] for row in table.rows] == ["a", "b"]
    assert table.lines == [1, 8]
    assert [problem.row for problem in table.problems] == [2, 3, 5, 6, 7]
    assert str(table.problems[0]) == "The JSON of the line breaks off at character 7."
    assert "not an object" in str(table.problems[1])
    assert "names a field twice" in str(table.problems[2])


def test_a_json_list_over_many_lines_is_refused():
    assert "No line of the file is a JSON object" in refusal("a.jsonl", json.dumps([["t"], 1], indent=1).encode())


# workbooks


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


# anything at all

WORKBOOK = workbook(["text", "label"], ["a", 1], ["b", date(2026, 3, 1)])


@st.composite
def damaged_workbooks(draw: st.DrawFn) -> bytes:
    """A workbook with a stretch replaced, either of the file or of the XML inside it."""
    inside = draw(st.sampled_from([None, *zipfile.ZipFile(io.BytesIO(WORKBOOK)).namelist()]))
    whole = zipfile.ZipFile(io.BytesIO(WORKBOOK)).read(inside) if inside else WORKBOOK
    start = draw(st.integers(0, len(whole)))
    changed = whole[:start] + draw(st.binary(max_size=20)) + whole[start + draw(st.integers(0, 20)) :]
    return with_part(WORKBOOK, inside, changed) if inside else changed


PIECES = st.sampled_from(['"', ",", ";", "\t", "\n", "\r\n", "a", "问", "{", "}", '"a":', "[", "1", "\ud800", "\ufeff"])
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=40).map("".join)
CODECS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"])
CONTENTS = (
    st.binary(max_size=300)
    | st.builds(lambda text, codec: text.encode(codec, "ignore"), TEXTS, CODECS)
    | damaged_workbooks()
)


@settings(deadline=None, max_examples=200)
@given(content=CONTENTS, ending=st.sampled_from(["csv", "tsv", "jsonl", "xlsx", "xlsx", "txt"]))
def test_any_bytes_give_a_table_or_a_refusal(content, ending):
    try:
        table = files.read(f"a.{ending}", content)
    except Refusal:
        return
    assert table.columns
    assert table.rows or table.problems
    assert len(table.rows) == len(table.lines)
    assert all(tuple(row) == table.columns for row in table.rows)
    assert all(str(problem) for problem in table.problems)
