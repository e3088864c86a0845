from core.evaluation import eval_sets, prompts
from core.evaluation.demo_task import FEES, TRIAGE


def test_a_further_attempt_becomes_rung_e_of_a_new_ladder(page, task, conn):
    before = prompts.ladder(conn, task, TRIAGE)
    app = page("evaluation/prompts.py")
    app.button_group(key=f"prompts.rung.{before.ladder_id}").set_value("E").run()
    form = f"prompts.edit.{before.ladder_id}.E"
    app.text_area(key=f"{form}.system").set_value("Think of the customer first.")
    app.button(key=f"{form}.save").click().run()
    after = prompts.ladder(conn, task, TRIAGE)
    assert [rung for rung, _ in after.rungs] == ["A", "B", "C", "D", "E"]
    assert after.rungs[:4] == before.rungs
    assert after.rungs[4][1].system == "Think of the customer first."


def test_a_prompt_without_a_place_for_the_question_is_refused(page, task, conn):
    before = prompts.ladder(conn, task, TRIAGE)
    app = page("evaluation/prompts.py")
    form = f"prompts.edit.{before.ladder_id}.A"
    app.text_area(key=f"{form}.template").set_value("Message:")
    app.button(key=f"{form}.save").click().run()
    assert "{input}" in app.error[0].value.replace("\\", "")
    assert prompts.ladder(conn, task, TRIAGE) == before


def test_saving_an_unchanged_prompt_makes_no_version(page, task, conn):
    before = prompts.ladder(conn, task, TRIAGE)
    app = page("evaluation/prompts.py")
    app.button(key=f"prompts.edit.{before.ladder_id}.A.save").click().run()
    assert prompts.ladder(conn, task, TRIAGE) == before


def test_a_rung_shows_what_it_adds_and_how_it_looks_on_a_sample(page, task, conn):
    ladder = prompts.ladder(conn, task, TRIAGE)
    app = page("evaluation/prompts.py")
    app.button_group(key=f"prompts.rung.{ladder.ladder_id}").set_value("D").run()
    app.button_group(key=f"prompts.view.{ladder.ladder_id}.D").set_value("added").run()
    left, right = (one.value.splitlines() for one in app.code[:2])
    assert len(left) == len(right)
    assert any(line.startswith("+ Format") or line.startswith("+ ") for line in right)
    assert {line[:2] for line in left if line} <= {"  ", "- "}
    app.button_group(key=f"prompts.view.{ladder.ladder_id}.D").set_value("sample").run()
    assert "{input}" not in app.code[1].value
    assert any("tokens" in one.value for one in app.markdown)


def test_a_changed_prompt_is_seen_on_a_sample_while_it_is_written_and_keeps_its_lineage(page, task, conn):
    before = prompts.ladder(conn, task, TRIAGE)
    app = page("evaluation/prompts.py")
    form = f"prompts.edit.{before.ladder_id}.A"
    app.toggle(key=f"{form}.see").set_value(True).run()
    app.text_area(key=f"{form}.system").set_value("Think twice.").run()
    assert "Think twice." in [one.value for one in app.code]
    shown = app.multiselect(key=f"{form}.examples").options[:2]
    app.multiselect(key=f"{form}.examples").set_value(shown).run()
    app.button(key=f"{form}.save").click().run()
    after = dict(prompts.ladder(conn, task, TRIAGE).rungs)["A"]
    assert after.parent_id == before.rungs[0][1].prompt_id
    assert after.template.startswith("{examples}")
    ids = [one.sample_id for one in after.examples]
    asked = "select distinct split from samples where list_contains(?, sample_id)"
    assert (len(ids), conn.execute(asked, [ids]).fetchall()) == (2, [("train",)])


def test_a_ladder_is_written_from_four_answers(page, task, conn):
    app = page("evaluation/prompts.py")
    app.text_area(key="prompts.fill.0.job").set_value("Sort the mail.").run()
    app.text_area(key="prompts.fill.0.steps").set_value("1. Read it.").run()
    app.text_area(key="prompts.fill.0.form").set_value("One word.").run()
    app.button(key="prompts.fill.0.save").click().run()
    rungs = prompts.ladder(conn, task, TRIAGE).rungs
    assert [(rung, prompt.system.count("\n\n")) for rung, prompt in rungs] == [("A", 0), ("C", 1), ("D", 2)]
    assert rungs[0][1].template == "Message: {input}\nAnswer:"


def test_a_name_that_no_sample_has_is_warned_of_and_a_schema_is_written_shown_and_kept(page, task, conn):
    before = prompts.ladder(conn, task, TRIAGE)
    app = page("evaluation/prompts.py")
    assert not app.warning
    form = f"prompts.edit.{before.ladder_id}.A"
    app.text_area(key=f"{form}.template").set_value("{input} {amout}").run()
    assert "{amout}" in app.warning[0].value.replace("\\", "")
    assert "{schema}, {passages}, {examples}" in app.warning[0].value.replace("\\", "")
    app.toggle(key=f"{form}.schema.own").set_value(True).run()
    assert "intent" in list(app.dataframe[0].value["Field"])
    app.text_area(key=f"{form}.schema").set_value('{"type": "text"}').run()
    assert "This is no JSON schema" in app.error[0].value
    assert app.button(key=f"{form}.save").disabled
    app.button(key=f"{form}.schema.propose").click().run()
    assert "intent" in app.text_area(key=f"{form}.schema").value
    mine = '{"type": "object", "properties": {"intent": {"type": "string"}}}'
    app.file_uploader(key=f"{form}.schema.file").upload("mine.json", mine.encode()).run()
    app.button(key=f"{form}.save").click().run()
    after = prompts.ladder(conn, task, TRIAGE)
    assert after.rungs[0][1].schema["properties"] == {"intent": {"type": "string"}}
    app.button_group(key=f"prompts.rung.{after.ladder_id}").set_value("B").run()
    assert "B = A + few-shot" not in [one.value.replace("\\", "") for one in app.caption]
    app.button_group(key=f"prompts.rung.{after.ladder_id}").set_value("D").run()
    assert "D = C + format and constraints" in [one.value.replace("\\", "") for one in app.caption]
    other = next(one for one in eval_sets.of_task(conn, task) if one.name == FEES)
    app.selectbox(key="prompts.set").set_value(other).run()
    form = f"prompts.edit.{prompts.ladder(conn, task, FEES).ladder_id}.A"
    app.text_area(key=f"{form}.system").set_value("As {schema}").run()
    assert [one.value for one in app.warning] == [
        "{schema} stays empty: neither this prompt nor the set has a JSON schema."
    ]
