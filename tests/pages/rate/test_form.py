"""Rating on the plain form: one answer at a time, what is kept of it, and what is not shown."""

from core.access import people, preferences, sessions
from core.review import queues, rubrics
from core.store import database
from pages._ui import session
from pages.review import _form
from tests import chain
from tests.pages.rate.conftest import RATE, kept, press, shown, waiting


def test_one_answer_at_a_time_and_the_next_comes_by_itself(page, world, queue_id):
    first = waiting(world, queue_id)
    app = page(RATE)
    assert shown(app) == [first.input, first.text]
    press(app, "pass", first)
    second = waiting(world, queue_id)
    assert shown(app) == [second.input, second.text]
    assert [(row["answer_id"], row["verdict"]) for row in kept(world)] == [(first.answer_id, "pass")]


def test_the_keys_are_letters_that_streamlit_leaves_free(page, world, queue_id):
    app = page(RATE)
    keys = {button.key.split(".")[1]: button.proto.shortcut for button in app.button if button.key.startswith("rate.")}
    named = {"pass": "P", "fail": "F", "skip": "S", "undo": "U", "flag": "G", "pause": "B"}
    named |= {"previous": "LEFT", "next": "RIGHT"}
    assert {name: keys[name].upper() for name in named} == named
    letters = [button.proto.shortcut.upper() for button in app.button if button.proto.shortcut]
    assert len(letters) == len(set(letters))
    assert not {"C", "R"} & set(letters)


def test_a_fail_keeps_error_types_note_and_the_typed_correction(page, world, queue_id):
    item = waiting(world, queue_id)
    app = page(RATE)
    press(app, "type.knowledge", item)
    press(app, "type.style", item)
    press(app, "type.knowledge", item)  # taken back
    app.text_input(key=f"rate.note.{item.answer_id}").input("Too curt.")
    app.text_area(key=f"rate.correction.{item.answer_id}").input("late, sorry")
    press(app, "fail", item)
    (row,) = kept(world)
    assert (row["verdict"], row["error_types"], row["note"]) == ("fail", ["style"], "Too curt.")
    assert (row["correction"], row["origin"]) == ("late, sorry", "typed")


def test_an_unchanged_answer_is_no_correction(page, world, queue_id):
    item = waiting(world, queue_id)
    press(page(RATE), "fail", item)
    assert (kept(world)[0]["correction"], kept(world)[0]["origin"]) == (None, "none")


def test_a_changed_answer_does_not_pass_and_what_was_typed_stays(page, world, queue_id):
    item = waiting(world, queue_id)
    app = page(RATE)
    app.text_area(key=f"rate.correction.{item.answer_id}").input("late, sorry")
    press(app, "pass", item)
    assert kept(world) == []
    assert (
        app.error[0].value == "An answer that had to be corrected does not pass. Choose fail, or take the change back."
    )
    assert app.text_area(key=f"rate.correction.{item.answer_id}").value == "late, sorry"


def test_the_reference_is_shown_on_demand_remembered_and_can_be_taken(page, world, queue_id):
    item = waiting(world, queue_id)
    app = page(RATE)
    assert not [button for button in app.button if button.key.startswith("rate.take.")]
    press(app, "reference", item)
    assert shown(app) == [item.input, item.text, item.reference]
    press(app, "take", item)
    (row,) = kept(world)
    assert (row["verdict"], row["correction"], row["origin"]) == ("fail", item.reference, "reference")
    assert shown(app)[2] == waiting(world, queue_id).reference


def test_nothing_tells_the_version(page, world, queue_id):
    chain.climb(world)
    item = waiting(world, queue_id)
    app = page(RATE)
    told = " ".join(
        [*shown(app), *(m.value for m in app.markdown), *(b.key for b in app.button), str(app.query_params)]
    )
    told = told.replace(item.input, "").replace(item.text, "").lower()
    run = database.row(
        world.conn, "select * from runs join answers using (run_id) where answer_id = ?", [item.answer_id]
    )
    secrets = (run["run_id"], run["prompt_id"], run["model_id"], world.base.name, "collect", "token", "latency")
    assert not [secret for secret in secrets if str(secret).lower() in told]


def test_progress_and_the_end_are_told(page, world, queue_id):
    app = page(RATE)
    for done in range(6):
        assert f"{done} of 6 rated" in app.get("progress")[0].proto.text
        press(app, "pass", waiting(world, queue_id))
    assert [one.value for one in app.success] == ["All 6 answers are rated. Thank you."]
    app.button(key="rate.undo.end").click().run()
    assert shown(app)[1] == waiting(world, queue_id).text


def test_json_is_shown_as_fields_and_differences_only_with_the_reference(page, conn, mina, monkeypatch):
    preferences.choose_form(conn, mina, True)
    monkeypatch.setattr(_form, "TOO_SOON_S", 0.0)
    world = chain.demo(conn, session.settings(), mina)
    queue_id = chain.collect(world, lambda run, place, count: False)  # the last field, action, is wrong
    app = page(RATE)
    assert list(app.dataframe[0].value) == ["Field", "Answer"]
    press(app, "reference", waiting(world, queue_id))
    assert list(app.dataframe[0].value) == ["Field", "Answer", "Reference"]
    assert list(app.dataframe[0].value["Field"]) == ["✓ intent", "✓ emotion", "✗ action"]


def test_of_several_queues_the_newest_with_waiting_answers_is_open(page, world, queue_id):
    finished = chain.collect(world)
    chain.rate(world, finished)
    assert page(RATE).selectbox(key="rate.queue").value == queue_id
    assert len(queues.of_task(world.conn, world.task.task_id, "mina")) == 2


def test_somebody_who_may_not_rate_sees_no_answer(page, world, queue_id, monkeypatch):
    reader = people.create(
        world.conn, name="Noor", password="four other words here", roles_held=["manager"], by=world.by
    )
    token = sessions.start(world.conn, reader)
    monkeypatch.setattr(session, "_token", lambda: token)
    app = page(RATE)
    assert shown(app) == []
    assert app.info[0].value.startswith("Experts rate answers.")


def test_on_the_scale_of_five_the_form_has_five_buttons(page, conn, world):
    rubrics.revise(conn, by=world.by, task_id=world.task.task_id, scale="five", reference="shown")
    queue_id = chain.collect(world)
    item = waiting(world, queue_id)
    app = page(RATE)
    assert shown(app) == [item.input, item.text, item.reference]
    press(app, "4", item)
    assert [(row["verdict"], row["points"]) for row in kept(world)] == [("pass", 4)]


def test_an_operator_chooses_what_new_queues_ask(page, conn, world, queue_id):
    app = page(RATE)
    app.selectbox(key="rate.rubric.scale").set_value("five")
    app.text_input(key="rate.rubric.question").set_value("Would you sign this?")
    app.button(key="rate.rubric.save").click().run()
    assert rubrics.latest(conn, world.task.task_id).question["en"] == "Would you sign this?"
    assert rubrics.of_queue(conn, queue_id).scale == "pass_fail"
