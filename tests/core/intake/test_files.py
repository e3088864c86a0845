"""Files as people upload them: which are read, which are refused, and with which words."""

import codecs
import json

import pytest

from core.intake import files, problem_files
from tests.uploads import ENGLISH, SHEET, refusal, sheet, with_part, workbook


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


@pytest.mark.parametrize("name", ["a.xls", "a.pdf", "a.xml", "a"])
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
    assert "has 200.1 MB; at most 200 MB" in refusal("a.csv", bytes(200_100_000))
    wide = ",".join(f"c{number}" for number in range(201))
    assert "has 201 columns; at most 200" in refusal("a.csv", f"{wide}\n{wide}\n".encode())
    assert "more than 200,000 rows" in refusal("a.csv", b"t\n" + b"a\n" * 200_001)
    assert "more than 200,000 rows" in refusal("a.jsonl", b'{"t":1}\n' * 200_001)
    assert len(files.read("a.csv", b"t\n" + b"a\n" * 200_000).rows) == 200_000


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


def test_every_cell_of_a_refused_row_is_in_the_file_of_problems():
    def told(name, content):
        table = files.read(name, content)
        return files.read("p.csv", problem_files.write(table, table.problems, str)).rows

    (ragged, quoted) = told("a.csv", b'text,label\nfine,a\none,two,three\n"x"y,b\nfine too,c\n')
    assert [ragged[problem_files.APART % number] for number in (1, 2, 3)] == ["one", "two", "three"]
    assert (ragged["text"], ragged["label"], quoted["problem_cell_1"]) == ("", "", '"x"y,b\n')
    (wide,) = told("a.csv", b"text\nfine\n" + b",".join(b"%d" % n for n in range(60)) + b"\n")
    assert (wide["problem_cell_49"], json.loads(wide["problem_cell_50"])) == ("48", [str(n) for n in range(49, 60)])
    broken, half = told("a.jsonl", b'{"t": "a"}\n{"t": }\n{"t": "\\ud83d"}\n')
    assert (broken["problem_cell_1"], broken["t"]) == ('{"t": }', "")
    assert (half["t"], half["problem_column"]) == ("\\ud83d", "t")
    (formula,) = told("a.xlsx", workbook(["text", "label"], ["=1+1", "kept"]))
    assert (formula["problem_kind"], formula["label"]) == ("formula", "kept")
