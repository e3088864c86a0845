"""Editing a set on its page: each change is in the database before the page is done, and saving makes a version."""

import pytest

from core.evaluation import draft_rows, drafts, eval_sets, tasks, versions
from core.intake import importing


@pytest.fixture
def eval_set(conn, mina):
    task_id = tasks.create(conn, by=mina, name={"en": "Own"}, description={"en": ""}).task_id
    rows = [
        importing.Row(key=f"k{n}", input=f"question {n}", context="", reference="yes", kind="practice", pair="",
                      group_id=f"g{n}", split="gate" if n == 59 else "dev", critical=False, tags=(), line=n)
        for n in range(60)
    ]  # fmt: skip
    return eval_sets.save(conn, by=mina, task_id=task_id, name="Set", rows=rows, scorer="exact")


@pytest.fixture
def app(page, eval_set):
    opened = page("evaluation/eval_sets.py")
    opened.button_group(key="eval_sets.view.0").set_value("draft").run()
    opened.button(key="draft.start").click().run()
    assert not opened.exception
    return opened


def change(app, **state):
    (editor,) = app.data_editor
    app.session_state[editor.key] = {"edited_rows": {}, "added_rows": [], "deleted_rows": [], **state}
    app.run()
    assert not app.exception


def test_typing_deleting_and_adding_are_kept_at_once_and_saved_with_a_note(app, conn, mina, eval_set):
    draft = drafts.find(conn, mina, eval_set.task_id, "Set")
    change(app, edited_rows={0: {"reference": "no", "critical": True}})
    change(app, deleted_rows=[1])
    app.button(key=f"{draft.draft_id}.grid.add").click().run()
    change(app, edited_rows={0: {"input": "a new one", "split": "retain", "tags": ["x"]}})
    rows = draft_rows.rows(conn, draft.draft_id)
    assert [(row.input, row.split, row.tags) for row in rows[:1]] == [("a new one", "retain", ("x",))]
    assert [(row.key, row.reference, row.critical) for row in rows[1:3]] == [("k0", "no", True), ("k2", "yes", False)]
    app.button(key=f"{draft.draft_id}.save").click().run()
    assert "Say in the note" in app.error[0].value
    app.text_input(key=f"{draft.draft_id}.note").set_value("better answers").run()
    app.button(key=f"{draft.draft_id}.save").click().run()
    assert not app.exception
    newest = versions.history(conn, eval_set.task_id, "Set")[0]
    assert (newest["version"], newest["note"], newest["sample_count"]) == (2, "better answers", 60)


def test_the_grid_has_fifty_rows_a_page_and_none_that_is_locked(app):
    (editor,) = app.data_editor
    assert len(editor.value) == 50
    text = next(one for one in app.text_input if one.key.endswith(".grid.text"))
    text.set_value("question 5").run()
    (editor,) = app.data_editor
    assert list(editor.value["key"]) == ["k5", *(f"k{n}" for n in range(50, 59))]


def test_a_refused_edit_says_why_and_the_grid_shows_the_row_as_it_is(app, conn, mina, eval_set):
    change(app, edited_rows={0: {"split": "moon"}})
    assert "is not a word known here" in app.error[0].value
    assert app.data_editor[0].value["split"][0] == "dev"
