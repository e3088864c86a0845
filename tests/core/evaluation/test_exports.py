"""A version goes out as a file and comes back as itself."""

from dataclasses import replace

import pytest

from core.errors import Refusal
from core.evaluation import demo_task, eval_sets, exports, spreadsheets, tasks
from core.intake import columns, files, importing
from tests.core.evaluation.test_eval_sets import rows, save, task_id  # noqa: F401  # fixtures

WRITERS = {"csv": exports.to_csv, "xlsx": exports.to_xlsx, "jsonl": exports.to_jsonl}
HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''=1", "＝1", "a\r\nb\rc", ' "q", x', "_x000D_ \x0b", "是 🂡")


def back(conn, by, task_id, kind, content):  # noqa: F811
    table, about = exports.restored(files.read(f"a.{kind}", content))
    found = importing.check(table, columns.guess(table.columns))
    assert not found.problems
    return eval_sets.save(
        conn, by=by, task_id=task_id, name=about.name, rows=found.rows, scorer=about.scorer, schema=about.schema
    )


@pytest.mark.parametrize("kind", WRITERS)
def test_every_shipped_set_comes_back_with_the_same_content_hash(conn, mina, kind):
    task = demo_task.create(conn, by=mina)
    for eval_set in eval_sets.of_task(conn, task.task_id):
        content = WRITERS[kind](conn, eval_set, by=mina)
        assert back(conn, mina, task.task_id, kind, content) == eval_set


@pytest.mark.parametrize("kind", WRITERS)
def test_texts_that_look_like_formulas_come_back_as_they_were(conn, mina, save, task_id, kind):  # noqa: F811
    hostile = [
        replace(row, input=text + row.key, context=text, reference=text, tags=("a,b", "c"),
                fields=(("客户", text), ("x", "y")), split="train", critical=True, pair="p1", kind="concept")
        for row, text in zip(rows(len(HOSTILE)), HOSTILE, strict=True)
    ]  # fmt: skip
    saved = save(hostile)
    assert back(conn, mina, task_id, kind, WRITERS[kind](conn, saved, by=mina)) == saved


def test_no_cell_of_a_csv_begins_like_a_formula_and_excel_is_told_the_encoding(conn, mina, save):  # noqa: F811
    saved = save([replace(row, input=text) for row, text in zip(rows(4), HOSTILE, strict=False)])
    content = exports.to_csv(conn, saved, by=mina)
    assert content.startswith(b"\xef\xbb\xbf")
    cells = [cell for row in files.read("a.csv", content).cells for cell in row]
    assert not any(cell[:1] in "=+-@\t\r" for cell in cells if cell)


@pytest.mark.parametrize("text", [*HOSTILE, "", "'", "plain"])
def test_escaping_can_be_undone(text):
    assert spreadsheets.unescape(spreadsheets.escape(text)) == text


def test_an_apostrophe_in_somebody_elses_file_is_left_alone():
    table = files.read("a.csv", b"input\n'=1\n")
    assert exports.restored(table) == (table, None)


def test_a_text_too_long_for_a_workbook_is_refused_with_a_way_out(conn, mina, save):  # noqa: F811
    saved = save([replace(rows(1)[0], input="x" * 40_000)])
    with pytest.raises(Refusal, match="more than 32,767 characters in one cell"):
        exports.to_xlsx(conn, saved, by=mina)


def test_an_export_is_kept_in_the_audit_trail_and_needs_the_role(conn, mina, save):  # noqa: F811
    saved = save(rows(1))
    exports.to_csv(conn, saved, by=mina)
    last = conn.execute("select act, subject from audit_events order by seq desc limit 1").fetchall()
    assert last == [("eval_set.exported", saved.eval_set_id)]
    with pytest.raises(Refusal, match="operator"):
        exports.to_csv(conn, saved, by=replace(mina, roles=frozenset({"expert"})))
    assert tasks.everything(conn)
