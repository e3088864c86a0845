import json

import pytest
import streamlit as st

from core.access import people, preferences, sessions
from core.evaluation import models
from core.review import queues, ratings, repair, rubrics
from core.store import database
from pages._ui import session
from pages.review import _card, _form, _inbox, _repair
from tests import chain

RATE = "review/rate.py"


@pytest.fixture
def world(conn, mina, monkeypatch):
    """The plain form is what a page test can press; the card needs a browser (tests/browser/test_rating.py)."""
    preferences.choose_form(conn, mina, True)
    monkeypatch.setattr(_form, "TOO_SOON_S", 0.0)  # a test is faster than anybody who reads
    return chain.small(conn, session.settings(), mina, dev=2, train=6, gate=2, retain=2)


@pytest.fixture
def queue_id(world):
    return chain.collect(world)


def waiting(world, queue_id):
    return ratings.waiting(world.conn, queue_id, world.by.person_id)[0]


def press(app, what, item):
    return app.button(key=f"rate.{what}.{item.answer_id}").click().run()


def kept(world):
    return database.rows(world.conn, "select * from ratings order by rating_id")


def shown(app):
    return [code.value for code in app.code]


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


def test_the_card_is_what_everybody_gets_unless_they_chose_the_form(page, conn, world, queue_id):
    preferences.choose_form(conn, world.by, False)
    app = page(RATE)
    assert shown(app) == []
    assert len(app.get("bidi_component")) == 1
    app.toggle(key="rate.form").set_value(True).run()
    assert shown(app) != []
    assert preferences.rates_in_form(conn, world.by)


def data(page, conn, world, monkeypatch):
    """What the card is given."""
    preferences.choose_form(conn, world.by, False)
    given = []
    monkeypatch.setattr(_card, "_card", lambda **more: given.append(more["data"]))
    page(RATE)
    return given[-1]


def test_the_card_is_told_nothing_of_the_version(page, conn, world, queue_id, monkeypatch):
    given = data(page, conn, world, monkeypatch)
    assert set(given["items"][0]) == {
        "id", "input", "context", "text", "cut", "reference", "fields", "passages", "judged"
    }  # fmt: skip
    told = json.dumps([{**one, "input": "", "text": ""} for one in given["items"]]).lower()
    run = database.row(conn, "select * from runs where purpose = 'collect'")
    secrets = (run["run_id"], run["prompt_id"], run["model_id"], world.base.name, "token", "latency")
    assert not [secret for secret in secrets if str(secret).lower() in told]


def test_a_hidden_reference_does_not_leave_the_server(page, conn, world, monkeypatch):
    rubrics.revise(conn, by=world.by, task_id=world.task.task_id, scale="five", reference="hidden")
    chain.collect(world)
    given = data(page, conn, world, monkeypatch)
    assert {one["reference"] for one in given["items"]} == {""}
    assert given["scale"] == "five"


def test_long_answers_are_fetched_three_at_a_time(page, conn, world, queue_id, monkeypatch):
    assert len(data(page, conn, world, monkeypatch)["waiting"]) == 6
    conn.execute("update answers set text = repeat('word ', 20000)")
    assert len(data(page, conn, world, monkeypatch)["waiting"]) == 3


@pytest.mark.parametrize(
    "event",
    [
        {"verdict": "maybe"},
        {"verdict": "pass", "points": 5},
        {"points": True},
        {"types": "knowledge"},
        {"note": ["a"]},
        {"correction": 7},
        {"answer": "other"},
        {"kind": "repair", "wrong": "It has no date."},
        {"kind": "repair", "wrong": ["a"]},
    ],
)
def test_what_the_browser_makes_up_is_refused_and_answered(conn, world, queue_id, event):
    answer = waiting(world, queue_id).answer_id
    sent = {"kind": "rate", "receipt": "r", "answer": answer, "verdict": "fail", "types": [], **event}
    _inbox.take(queue_id, {"events": [sent, "nonsense", {"kind": "rate"}]})
    assert kept(world) == []
    reply = _inbox.reply(queue_id)
    assert reply.confirmed == ["r"]
    assert len(reply.refused) == 1
    assert _inbox.reply(queue_id).opened


def test_what_the_browser_repeats_is_kept_once(conn, world, queue_id):
    answer = waiting(world, queue_id).answer_id
    sent = {"kind": "rate", "receipt": "r1", "answer": answer, "verdict": "fail", "types": ["style"], "note": " curt "}
    for _ in range(3):
        _inbox.take(queue_id, {"events": [sent, {"kind": "undo", "receipt": "r2", "answer": answer}]})
    assert [(row["verdict"], row["note"]) for row in kept(world)] == [("fail", "curt"), ("undone", "")]
    _inbox.take(queue_id, "nothing")


def test_an_acknowledgement_brings_answers_only_when_the_card_asks_or_the_line_may_be_old(
    conn, world, queue_id, monkeypatch
):
    monkeypatch.setattr(st, "session_state", {"language": "en"})
    first, second, third, *others = ratings.waiting(conn, queue_id, world.by.person_id, limit=6)
    have = [one.answer_id for one in others]

    def said(receipt, answer, **more):
        sent = {"kind": "rate", "receipt": receipt, "answer": answer, "verdict": "pass", "types": []}
        _inbox.take(queue_id, {"number": 7, "events": [sent], "have": have, **more})
        return _inbox.reply(queue_id)

    assert _inbox.reply(queue_id).fill  # just opened
    assert not said("r1", first.answer_id).fill
    asked = said("r2", second.answer_id, fill=True)
    assert (asked.fill, asked.have, asked.answered) == (True, frozenset(have), 7)
    assert said("r3", second.answer_id).fill  # another tab had judged it
    monkeypatch.setattr(_inbox, "FRESH_S", 0)
    assert said("r4", third.answer_id).fill  # claims are renewed


def test_who_sends_a_correction_cannot_say_where_it_comes_from(conn, world, queue_id):
    answer = waiting(world, queue_id).answer_id
    sent = {"kind": "rate", "receipt": "r", "answer": answer, "verdict": "fail", "types": [], "correction": "Monday"}
    _inbox.take(queue_id, {"events": [{**sent, "origin": "reference", "rewrite": "w", "rewrite_id": "w"}]})
    assert [(row["origin"], row["rewrite_id"]) for row in kept(world)] == [("typed", None)]


@pytest.fixture
def writer(conn, world):
    """A model that rewrites for the task's raters; nothing has to be listening there."""
    model = models.register_api(conn, by=world.by, name="Writer", base_url="http://127.0.0.1:9/v1", api_model="tiny")
    repair.choose(conn, by=world.by, task_id=world.task.task_id, model_id=model.model_id)
    return model


def comes_back(conn, text):
    """As if the worker had rewritten what waits."""
    conn.execute("update rewrites set text = ? where text is null", [text])


def test_in_the_form_a_model_is_told_what_is_wrong_and_its_text_is_taken(page, conn, world, queue_id, writer):
    item = waiting(world, queue_id)
    app = page(RATE)
    press(app, "rewrite", item)
    assert app.error[0].value == "The model has to be told what is wrong. Say it in a few words."
    app.text_input(key=f"rate.wrong.{item.answer_id}").input("It has no date.")
    press(app, "rewrite", item)
    assert app.button(key=f"rate.rewrite.{item.answer_id}").disabled
    comes_back(conn, "On Monday.")
    app.run()
    field = f"rate.correction.{item.answer_id}"
    assert app.text_area(key=field).value == "On Monday."
    assert any("Round 1 is in the box" in caption.value for caption in app.caption)
    app.text_area(key=field).input("On Monday, 3 May.")
    press(app, "fail", item)
    (row,) = kept(world)
    assert (row["correction"], row["origin"]) == ("On Monday, 3 May.", "edited")


def test_the_card_asks_a_model_once_and_hears_of_it_without_its_name(conn, world, queue_id, writer, monkeypatch):
    monkeypatch.setattr(st, "session_state", {"language": "en"})
    answer = waiting(world, queue_id).answer_id
    asked = {"kind": "repair", "receipt": "r1", "answer": answer, "wrong": "It has no date.", "before": None}
    for _ in range(2):
        _inbox.take(queue_id, {"events": [asked], "asked": ["r1"]})
    reply = _inbox.reply(queue_id)
    assert (reply.confirmed, reply.refused, reply.asked) == (["r1"], [], frozenset(["r1"]))
    told = _repair.rounds(queue_id, reply.asked)
    assert told == [{"receipt": "r1", "state": "waiting", "round": 1, "text": None}]
    comes_back(conn, "On Monday.")
    told = _repair.rounds(queue_id, {"r1", "never sent"})
    assert told[0] == {"receipt": "never sent", "state": "failed", "round": 0, "text": None}
    assert told[1] == {"receipt": "r1", "state": "back", "round": 1, "text": "On Monday."}


def test_an_operator_chooses_the_model_that_rewrites(page, conn, world, queue_id, writer):
    repair.choose(conn, by=world.by, task_id=world.task.task_id, model_id=None)
    app = page(RATE)
    item = waiting(world, queue_id)
    assert not [button for button in app.button if button.key == f"rate.rewrite.{item.answer_id}"]
    app.selectbox(key="rate.rewriter").select_index(2).run()
    assert repair.model_of(conn, world.task.task_id) == writer
    assert [button for button in app.button if button.key == f"rate.rewrite.{item.answer_id}"]


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
