"""Back, forward, undo and pauses on the plain form: nothing typed is lost, nothing unseen is judged."""

from core.review import ratings
from pages.review import _form
from tests.pages.rate.conftest import RATE, kept, press, shown, waiting


def test_undo_brings_the_last_one_back_with_empty_fields(page, world, queue_id):
    item = waiting(world, queue_id)
    app = page(RATE)
    press(app, "type.style", item)
    app.text_input(key=f"rate.note.{item.answer_id}").input("Too curt.")
    press(app, "fail", item)
    press(app, "undo", waiting(world, queue_id))
    assert shown(app) == [item.input, item.text]
    assert app.text_input(key=f"rate.note.{item.answer_id}").value == ""
    assert [row["verdict"] for row in kept(world)] == ["fail", "undone"]
    press(app, "fail", item)
    assert kept(world)[-1]["error_types"] == []


def test_the_flag_goes_with_the_verdict_and_is_down_on_the_next_answer(page, world, queue_id):
    item = waiting(world, queue_id)
    app = page(RATE)
    press(app, "flag", item)
    press(app, "flag", item)  # taken back
    press(app, "flag", item)
    press(app, "skip", item)
    press(app, "pass", waiting(world, queue_id))
    assert [(row["verdict"], row["flagged"]) for row in kept(world)] == [("skip", True), ("pass", False)]


def test_previous_and_next_look_without_a_verdict_and_keep_what_was_typed(page, world, queue_id):
    first, second, third = ratings.waiting(world.conn, queue_id, world.by.person_id, 3)
    app = page(RATE)
    assert app.button(key=f"rate.previous.{first.answer_id}").disabled
    app.text_input(key=f"rate.note.{first.answer_id}").input("Half a thought")
    app.text_area(key=f"rate.correction.{first.answer_id}").input("late, sorry")
    press(app, "next", first)
    assert shown(app)[:2] == [second.input, second.text]
    press(app, "pass", second)
    assert shown(app)[:2] == [third.input, third.text], "it goes on from where the rater went"
    press(app, "previous", third)
    assert shown(app)[:2] == [first.input, first.text]
    assert app.text_input(key=f"rate.note.{first.answer_id}").value == "Half a thought"
    assert app.text_area(key=f"rate.correction.{first.answer_id}").value == "late, sorry"
    press(app, "previous", first)
    assert shown(app)[:2] == [second.input, second.text]
    assert "You said: Pass" in [caption.value for caption in app.caption]
    press(app, "fail", second)
    assert [(row["answer_id"], row["verdict"]) for row in kept(world)] == [
        (second.answer_id, "pass"),
        (second.answer_id, "fail"),
    ]
    assert kept(world)[1]["supersedes"] == kept(world)[0]["rating_id"]
    assert shown(app)[:2] == [first.input, first.text]
    press(app, "undo", first)
    assert shown(app)[:2] == [second.input, second.text], "the one that was taken back stands in front"


def test_a_judged_answer_comes_back_with_what_was_said_of_it(page, world, queue_id):
    item = waiting(world, queue_id)
    app = page(RATE)
    press(app, "type.style", item)
    press(app, "flag", item)
    app.text_input(key=f"rate.note.{item.answer_id}").input("Too curt.")
    app.text_area(key=f"rate.correction.{item.answer_id}").input("late, sorry")
    press(app, "fail", item)
    press(app, "previous", waiting(world, queue_id))
    assert app.text_input(key=f"rate.note.{item.answer_id}").value == "Too curt."
    press(app, "fail", item)
    assert len(kept(world)) == 1, "the same said again is kept once"
    press(app, "previous", waiting(world, queue_id))
    press(app, "flag", item)
    press(app, "fail", item)
    said = [(row["error_types"], row["note"], row["correction"], row["flagged"]) for row in kept(world)]
    assert said == [(["style"], "Too curt.", "late, sorry", up) for up in (True, False)]


def test_a_pause_hides_the_answer_and_loses_nothing(page, world, queue_id):
    item = waiting(world, queue_id)
    app = page(RATE)
    press(app, "type.style", item)
    app.text_input(key=f"rate.note.{item.answer_id}").input("Half a thought")
    press(app, "pause", item)
    assert shown(app) == []
    assert not [button for button in app.button if item.answer_id in button.key]
    app.button(key=f"rate.resume.{queue_id}").click().run()
    assert shown(app) == [item.input, item.text]
    assert app.text_input(key=f"rate.note.{item.answer_id}").value == "Half a thought"
    press(app, "fail", item)
    assert [(row["error_types"], row["note"]) for row in kept(world)] == [(["style"], "Half a thought")]


def test_a_press_that_names_an_answer_judged_already_is_ignored(page, world, queue_id):
    """As a second tab sends it, or a key that repeats while the next answer is on its way."""
    item = waiting(world, queue_id)
    app = page(RATE)
    ratings.record(world.conn, ratings.Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass"), by=world.by)
    press(app, "fail", item)
    assert [row["verdict"] for row in kept(world)] == ["pass"]
    assert shown(app)[1] == waiting(world, queue_id).text


def test_a_key_held_down_rates_no_unseen_answer(page, world, queue_id, monkeypatch):
    monkeypatch.setattr(_form, "TOO_SOON_S", 30.0)
    app = page(RATE)
    for _ in range(3):
        press(app, "pass", waiting(world, queue_id))
    assert len(kept(world)) == 1
    assert "did not count" in app.error[0].value
