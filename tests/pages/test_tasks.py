from core.evaluation import eval_sets, tasks


def test_a_new_task_keeps_what_was_agreed_and_becomes_the_one_worked_on(page, task, conn):
    app = page("evaluation/tasks.py")
    app.text_input(key="tasks.new.0.name").set_value("Refund mails")
    app.number_input(key="tasks.new.0.target").set_value(90)
    app.number_input(key="tasks.new.0.gain").set_value(5)
    app.button(key="tasks.new.0.create").click().run()
    new = tasks.everything(conn)[0]
    assert (new.name["en"], new.target, new.plan.smallest_gain, new.plan.margin) == ("Refund mails", 0.9, 0.05, 0.1)
    assert (new.plan.repeats, new.plan.samples) == (5, 50)
    assert app.selectbox(key="sidebar.task").value == new
    assert app.text_input(key="tasks.new.1.name").value == ""


def test_a_new_task_watches_general_questions_unless_told_not_to(page, conn):
    app = page("evaluation/tasks.py")
    app.text_input(key="tasks.new.0.name").set_value("With")
    app.button(key="tasks.new.0.create").click().run()
    app.text_input(key="tasks.new.1.name").set_value("Without")
    app.checkbox(key="tasks.new.1.general").uncheck()
    app.button(key="tasks.new.1.create").click().run()
    sets = {one.name["en"]: eval_sets.of_task(conn, one.task_id) for one in tasks.everything(conn)}
    assert [list(one.counts) for one in sets["With"]] == [["retain"]]
    assert sets["Without"] == []


def test_a_task_without_a_name_is_refused_in_a_sentence(page, task, conn):
    app = page("evaluation/tasks.py")
    app.button(key="tasks.new.0.create").click().run()
    assert app.error[0].value == "A task needs a name. Say in a few words which job it is."
    assert len(tasks.everything(conn)) == 1


def test_choosing_a_task_changes_what_all_pages_show(page, task, conn, mina):
    other = tasks.create(conn, by=mina, name={"en": "Other"}, description={"en": ""})
    app = page("evaluation/tasks.py")
    app.button(key=f"tasks.choose.{task}").click().run()
    assert app.session_state["task"] == task != other.task_id
    assert app.selectbox(key="sidebar.task").value.task_id == task
