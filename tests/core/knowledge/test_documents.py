"""What is read from each kind of document, and what bad ones get: a sentence."""

import io
import zipfile

import openpyxl
import pypdf
import pytest
from pptx import Presentation

from core.errors import Refusal
from core.knowledge import documents, passages
from core.knowledge.documents import Section


def sections(name, content):
    return [(one.page, one.section, one.text) for one in documents.read(name, content)]


def refusal(name, content):
    with pytest.raises(Refusal) as caught:
        documents.read(name, content)
    return str(caught.value)


def pdf(*pages):
    """A PDF with one line of text on each page, written by hand."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>"]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, line in enumerate(pages):
        stream = f"BT /F1 12 Tf 50 700 Td ({line}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * number} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out, places = b"%PDF-1.4\n", []
    for number, written in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{written}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    tail = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n"
    return out + f"{tail}<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF".encode()


def docx(body):
    out = io.BytesIO()
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
            'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
            'Target="word/document.xml"/></Relationships>',
        )
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>')
    return out.getvalue()


def test_a_pdf_keeps_its_pages():
    assert sections("a.pdf", pdf("The fee is 15.", "A card costs 5.")) == [
        (1, "", "The fee is 15."),
        (2, "", "A card costs 5."),
    ]


def test_a_word_document_keeps_its_headings():
    heading = '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Fees</w:t></w:r></w:p>'
    body = f"{heading}<w:p><w:r><w:t>Late: 15.</w:t></w:r></w:p>"
    found = sections("a.docx", docx(body))
    assert found[-1][2].endswith("Late: 15.")


def test_a_presentation_keeps_its_slides_and_titles():
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Fees", "Late: 15."
    out = io.BytesIO()
    deck.save(out)
    assert sections("a.pptx", out.getvalue()) == [(1, "Fees", "Late: 15.")]


def test_each_row_of_a_sheet_names_its_columns():
    book = openpyxl.Workbook()
    book.active.title = "费用"
    for row in (["Months", "Fee"], [3, "1.5%"], [6, "2.4%"]):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    assert sections("a.xlsx", out.getvalue()) == [(None, "费用", "Months: 3; Fee: 1.5%\nMonths: 6; Fee: 2.4%")]


def test_html_keeps_headings_and_leaves_out_scripts():
    page = b"<h1>Card</h1><p>A &amp; B</p><script>alert(1)</script><h2>Fees</h2>"
    page += b"<table><tr><td>3</td><td>1.5%</td></tr></table>"
    assert sections("a.htm", page) == [(None, "Card", "A & B"), (None, "Card › Fees", "3 | 1.5%")]


def test_markdown_keeps_headings_and_a_comment_in_code_is_none():
    text = "# 费用\n逾期15元。\n```\n# no heading\n```\n## 退款\n不退。".encode()
    assert sections("a.md", text) == [
        (None, "费用", "逾期15元。\n```\n# no heading\n```"),
        (None, "费用 › 退款", "不退。"),
    ]


def test_a_text_in_gb18030_is_read():
    assert sections("a.txt", "逾期一天要收多少费用？".encode("gb18030"))[0][2] == "逾期一天要收多少费用？"


def test_a_pdf_with_a_password_is_refused():
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("secret")))
    writer.encrypt("word", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    assert "has a password" in refusal("a.pdf", out.getvalue())


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 60_000_000)
    assert "unpacks to 60 MB" in refusal("a.docx", out.getvalue())


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.pdf", b"", "is empty"),
        ("a.pdf", b"%PDF-1.4 and nothing more", "damaged"),
        ("a.docx", b"PK\x03\x04 and nothing more", "damaged"),
        ("a.docx", b"\xd0\xcf\x11\xe0 an old or locked one", "password"),
        ("a.xlsx", docx(""), "damaged"),
        ("a.txt", b" \n\t\n", "no text"),
        ("a.exe", b"MZ", "cannot be read"),
        ("a", b"text", "cannot be read"),
    ],
)
def test_a_bad_file_gets_a_sentence(name, content, says):
    assert says in refusal(name, content)


def test_entities_that_unpack_to_gigabytes_are_stopped():
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx(""))) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != "word/document.xml":
                new.writestr(name, old.read(name))
        new.writestr("word/document.xml", f'<!DOCTYPE d [<!ENTITY a0 "aaaaaaaaaa">{levels}]><d>&a9;</d>')
    assert "DOCTYPE" in refusal("a.docx", out.getvalue())


def test_passages_follow_sentences_overlap_and_never_cross_a_section():
    text = " ".join(f"Sentence {number} is here." for number in range(100))
    cut = passages.cut([Section(page=1, section="One", text=text), Section(page=2, section="Two", text="Short.")])
    assert all(len(one.text.encode()) <= passages.SIZE for one in cut)
    assert all(one.text.startswith("Sentence") and one.text.endswith("here.") for one in cut[:-1])
    last = cut[0].text.rsplit("Sentence", 1)[1]
    assert last in cut[1].text
    assert (cut[-1].page, cut[-1].section, cut[-1].text) == (2, "Two", "Short.")


def test_no_character_is_lost_in_a_text_without_any_break():
    text = "逾期" * 1000
    assert "".join(one.text for one in passages.cut([Section(page=None, section="", text=text)])) == text


def test_a_text_of_ten_megabytes_is_cut():
    text = "".join(f"Rule {number}: the desk keeps paper in box {number % 97}.\n" for number in range(220_000))
    assert len(text) > 10_000_000 * 0.9
    assert len(passages.cut(documents.read("long.txt", text.encode()))) > 10_000
