"""What tests of files share: a refusal's words, and workbooks made or damaged part by part."""

import io
import zipfile
from typing import Any

import openpyxl
import pytest

from core.errors import Refusal
from core.intake import files

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
