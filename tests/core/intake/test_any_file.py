"""Whatever the bytes are, they give a table or a sentence."""

import io
import zipfile
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Refusal
from core.intake import files
from tests.uploads import with_part, workbook

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
