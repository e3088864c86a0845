import io
import json

import datasets
import openpyxl
import pytest

from core.evaluation import choices, current_scorers, eval_sets, prompts, tasks
from core.intake import columns, files, importing, problem_files
from core.locale import catalogue
from core.scoring import scorers

LABELS = ("退款", "换货", "发票")
ROWS = [(f"第{number}个客户的留言", LABELS[number % 3]) for number in range(60)]


@pytest.fixture
def own_task(conn, mina):
    return tasks.create(conn, by=mina, name={"en": "Own"}, description={"en": ""}).task_id


def csv_of(rows, header=("问题", "标签")):
    return "\n".join(",".join(row) for row in (header, *rows)) + "\n"


def upload(app, name, content):
    app.button_group(key="eval_sets.view.0").set_value("import").run()
    app.file_uploader(key="import.0.file").upload(name, content).run()
    return app, f"import.0.{app.file_uploader(key='import.0.file').value.file_id}"


def test_a_gb18030_csv_goes_in_with_guessed_columns_scorer_and_a_first_ladder(page, own_task, conn):
    app, key = upload(page("evaluation/eval_sets.py"), "留言.csv", csv_of(ROWS).encode("gb18030"))
    assert app.selectbox(key=f"{key}.column.input").value == "问题"
    assert app.selectbox(key=f"{key}.column.reference").value == "标签"
    assert app.selectbox(key=f"{key}.scorer").value == "exact"
    app.button(key=f"{key}.save").click().run()
    (saved,) = eval_sets.of_task(conn, own_task)
    assert (saved.name, saved.scorer, sum(saved.counts.values())) == ("留言", "exact", 60)
    assert {sample.reference for sample in eval_sets.samples(conn, saved.eval_set_id)} == set(LABELS)
    assert [rung for rung, _ in prompts.ladder(conn, own_task, "留言").rungs] == ["A", "B", "C", "D"]
    assert app.selectbox(key="eval_sets.set").value == saved


def test_a_file_that_is_a_sets_next_version_is_judged_as_that_set_is(page, own_task, conn, mina):
    app, key = upload(page("evaluation/eval_sets.py"), "留言.csv", csv_of(ROWS).encode())
    app.checkbox(key=f"{key}.ladder").uncheck()
    app.button(key=f"{key}.save").click().run()
    (first,) = eval_sets.of_task(conn, own_task)
    keeping = scorers.read({"method": "exact", "options": {"keep": ["width"]}})
    choices.choose(conn, by=mina, eval_set=first, scorer=keeping)
    more = csv_of([*ROWS, ("又一位客户", "退款")]).encode()
    app, key = upload(page("evaluation/eval_sets.py"), "留言.csv", more)
    assert app.checkbox(key=f"{key}.keep_scorer").value
    assert "version 1" in app.checkbox(key=f"{key}.keep_scorer").label
    app.button(key=f"{key}.save").click().run()
    assert not app.exception
    (second,) = eval_sets.of_task(conn, own_task)
    assert (second.version, current_scorers.of_set(conn, second)) == (2, keeping)


def test_an_xlsx_workbook_goes_in_and_json_references_give_the_format(page, own_task, conn):
    book = openpyxl.Workbook()
    book.active.append(["message", "answer"])
    for number in range(20):
        book.active.append([f"mail {number}", json.dumps({"intent": ("a", "b")[number % 2]})])
    file = io.BytesIO()
    book.save(file)
    app, key = upload(page("evaluation/eval_sets.py"), "mails.xlsx", file.getvalue())
    app.checkbox(key=f"{key}.ladder").uncheck()
    app.button(key=f"{key}.save").click().run()
    (saved,) = eval_sets.of_task(conn, own_task)
    assert saved.scorer == "json"
    assert saved.schema["properties"]["intent"]["enum"] == ["a", "b"]
    assert prompts.ladder(conn, own_task, "mails") is None


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "The file is empty"),
        ("bad.csv", b"text,label\n\xff\xfe\xfd\x81,a\n", "byte 12, in line 2, is 0xFF"),
        ("old.xls", b"\xd0\xcf\x11\xe0", "cannot be read"),
        ("twice.csv", b"text,text\na,b\n", "More than one column"),
    ],
)
def test_a_file_of_no_use_gives_a_sentence_and_imports_nothing(page, own_task, conn, name, content, says):
    app, key = upload(page("evaluation/eval_sets.py"), name, content)
    assert not app.exception
    assert says in app.error[0].value
    assert f"{key}.save" not in {button.key for button in app.button}
    assert eval_sets.of_task(conn, own_task) == []


def test_rows_with_problems_are_shown_and_left_out_only_when_told_to(page, own_task, conn):
    text = csv_of([*ROWS, ("", "退款"), ("一", "二", "三")])
    app, key = upload(page("evaluation/eval_sets.py"), "rows.csv", text.encode())
    problems = app.dataframe[1].value
    assert list(problems["Row"]) == [62, 63]
    assert problems["Column"][0] == "问题"
    assert app.button(key=f"{key}.save").disabled
    app.checkbox(key=f"{key}.leave_out").check().run()
    assert app.button(key=f"{key}.save").label == "Import the 60 good rows and leave out 2"
    app.button(key=f"{key}.save").click().run()
    assert sum(eval_sets.of_task(conn, own_task)[0].counts.values()) == 60


def test_rows_with_problems_can_be_downloaded_with_their_cells_and_no_formula(page, own_task, conn):
    text = csv_of([*ROWS, ("", "=1+1"), ("一", "二", "三")])
    app, _key = upload(page("evaluation/eval_sets.py"), "rows.csv", text.encode())
    assert list(app.dataframe[1].value["Kind of problem"]) == ["Empty", "Row cannot be read"]
    table = files.read("rows.csv", text.encode())
    found = importing.check(table, columns.guess(table.columns))
    written = files.read("p.csv", problem_files.write(table, found.problems, str))
    assert written.encoding == "UTF-8 (BOM)"
    assert [tuple(row.values())[:3] for row in written.rows] == [("62", "empty", "问题"), ("63", "unreadable", "")]
    apart = [[row[problem_files.APART % number] for number in (1, 2, 3)] for row in written.rows]
    assert apart == [["", "", ""], ["一", "二", "三"]]
    assert (written.rows[0]["标签"], written.rows[1]["标签"]) == ("'=1+1", "")


def test_the_columns_chosen_once_are_proposed_for_the_next_file_of_the_task(page, own_task, conn):
    header = ("what", "why", "id")
    rows = [(f"what {n}", "because", f"k{n}") for n in range(20)]
    app, key = upload(page("evaluation/eval_sets.py"), "one.csv", csv_of(rows, header).encode())
    assert "No column looks like the input" in app.error[0].value
    app.selectbox(key=f"{key}.column.input").set_value("what").run()
    app.selectbox(key=f"{key}.column.reference").set_value("why").run()
    app.button(key=f"{key}.save").click().run()
    app.button_group(key="eval_sets.view.1").set_value("import").run()
    more = csv_of([(*row, "x") for row in rows], (*header, "more"))
    app.file_uploader(key="import.1.file").upload("two.csv", more.encode()).run()
    key = f"import.1.{app.file_uploader(key='import.1.file').value.file_id}"
    assert app.selectbox(key=f"{key}.column.input").value == "what"
    assert app.selectbox(key=f"{key}.column.reference").value == "why"


def test_a_dataset_folder_on_the_server_goes_in_by_its_path(page, own_task, conn, tmp_path):
    made = {"question": [f"q{n}" for n in range(12)], "answer": ["a"] * 12}
    datasets.Dataset.from_dict(made).save_to_disk(tmp_path / "cards")
    app = page("evaluation/eval_sets.py")
    app.button_group(key="eval_sets.view.0").set_value("import").run()
    app.button_group(key="import.0.place").set_value("folder").run()
    app.text_input(key="import.0.path").set_value(str(tmp_path / "cards")).run()
    app.button(key=f"import.0.{tmp_path / 'cards'}.save").click().run()
    (saved,) = eval_sets.of_task(conn, own_task)
    assert (saved.name, sum(saved.counts.values())) == ("cards", 12)


def test_shares_that_do_not_add_up_are_refused_and_nothing_is_saved(page, own_task, conn):
    app, key = upload(page("evaluation/eval_sets.py"), "rows.csv", csv_of(ROWS).encode())
    app.number_input(key=f"{key}.share.dev").set_value(50).run()
    app.button(key=f"{key}.save").click().run()
    assert "must add up to 100" in app.error[0].value
    assert eval_sets.of_task(conn, own_task) == []


def test_the_upload_and_every_choice_survive_a_change_of_language(page, own_task, conn, monkeypatch):
    translated = catalogue.translate
    monkeypatch.setattr(
        catalogue, "translate", lambda language, *said: translated("en", *said) + ("。" if language == "zh" else "")
    )
    app, key = upload(page("evaluation/eval_sets.py"), "rows.csv", csv_of(ROWS).encode())
    app.selectbox(key=f"{key}.column.reference").set_value("").run()
    app.selectbox(key=f"{key}.scorer").set_value("contains")
    app.number_input(key=f"{key}.share.dev").set_value(25)
    app.text_input(key=f"{key}.name").set_value("My rows").run()
    app.button_group(key="language").set_value("zh").run()
    assert not app.exception
    assert app.button_group(key="eval_sets.view.0").value == "import"
    assert app.selectbox(key=f"{key}.column.reference").value == ""
    assert app.selectbox(key=f"{key}.scorer").value == "contains"
    assert app.number_input(key=f"{key}.share.dev").value == 25
    assert app.text_input(key=f"{key}.name").value == "My rows"


def test_samples_of_the_gate_are_not_shown(page, task, conn):
    app = page("evaluation/eval_sets.py")
    chosen = app.selectbox(key="eval_sets.set").value
    gate = {sample.key for sample in eval_sets.samples(conn, chosen.eval_set_id, "gate")}
    seen = set()
    for split in ("dev", "train"):
        app.button_group(key=f"eval_sets.split.{chosen.eval_set_id}").set_value(split).run()
        seen |= set(app.dataframe[1].value["Key"])
    assert gate
    assert seen
    assert not seen & gate


def test_near_duplicates_are_shown_and_left_out_when_told_to(page, own_task, conn):
    twin = "我的信用卡已经三个星期没有寄到，请问什么时候能收到新卡"
    rows = [*ROWS, (twin, "退款"), (twin + "！", "退款")]
    app, key = upload(page("evaluation/eval_sets.py"), "rows.csv", csv_of(rows).encode())
    shown = next(one.value for one in app.dataframe if "Is like row" in one.value.columns)
    assert (list(shown["Row"])[-1], list(shown["Is like row"])[-1]) == (63, 62)
    app.radio(key=f"{key}.near_choice").set_value("leave_out").run()
    app.button(key=f"{key}.save").click().run()
    kept = {sample.input for sample in eval_sets.samples(conn, eval_sets.of_task(conn, own_task)[0].eval_set_id)}
    assert twin in kept
    assert twin + "！" not in kept
    app, key = upload(page("evaluation/eval_sets.py"), "more.csv", csv_of([(twin + "？？", "退款")]).encode())
    shown = next(one.value for one in app.dataframe if "Its part" in one.value.columns)
    assert list(shown["Is like"]) == ["rows · v1 · row-62"]
    count = sum(eval_sets.of_task(conn, own_task)[0].counts.values())
    assert any(f"with the {count} samples of the 1 saved sets" in one.value for one in app.caption)
    app.button(key=f"{key}.save").click().run()
    query = "select count(distinct split), count(*) from samples where starts_with(input, ?)"
    assert conn.execute(query, [twin]).fetchall() == [(1, 2)]


def test_versions_are_compared_and_brought_back(page, own_task, conn, mina):
    def rows(*texts):
        return [
            importing.Row(key=text, input=text, context="", reference="x", kind="practice", pair="", group_id=text,
                          split="dev", critical=False, tags=(), line=1)
            for text in texts
        ]  # fmt: skip

    common = {"by": mina, "task_id": own_task, "name": "Set", "scorer": "exact"}
    first = eval_sets.save(conn, rows=rows("a", "b"), **common)
    second = eval_sets.save(conn, rows=rows("b", "c"), **common)
    app = page("evaluation/eval_sets.py")
    app.button_group(key="eval_sets.view.0").set_value("versions").run()
    assert "1 samples added · 1 removed · 0 changed" in [one.value for one in app.markdown]
    key = f"versions.{second.eval_set_id}"
    app.selectbox(key=f"{key}.use").set_value(1).run()
    app.text_input(key=f"{key}.note").set_value("c was wrong")
    app.button(key=f"{key}.restore").click().run()
    (newest,) = eval_sets.of_task(conn, own_task)
    assert newest.version == 3
    assert eval_sets.samples(conn, newest.eval_set_id) == eval_sets.samples(conn, first.eval_set_id)
