from core.evaluation import prompts
from core.evaluation.demo_task import TRIAGE


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
    assert all(line[0] in "+-" for line in app.code[0].value.splitlines())
    app.button_group(key=f"prompts.view.{ladder.ladder_id}.D").set_value("sample").run()
    assert "{input}" not in app.code[1].value
