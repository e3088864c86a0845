"""Text files in any encoding that people have: the right characters, or a refusal that names the byte."""

import codecs

import pytest

from core.intake import files
from tests.uploads import CHINESE, ENGLISH, refusal


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
