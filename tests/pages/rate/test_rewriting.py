"""A model rewrites an answer for a rater, in the form and on the card."""

import pytest
import streamlit as st

from core.evaluation import models
from core.review import repair
from pages.review import _inbox, _repair
from tests.pages.rate.conftest import RATE, kept, press, waiting


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
    comes_back(conn, item.text)
    app.run()
    assert any("changed nothing in round 1" in caption.value for caption in app.caption)
    wrong = app.text_input(key=f"rate.wrong.{item.answer_id}")
    assert wrong.value == "It has no date.", "nothing came of it, so nobody types it anew"
    wrong.input("It must name the day.")
    press(app, "rewrite", item)
    assert app.text_input(key=f"rate.wrong.{item.answer_id}").value == "It must name the day."
    comes_back(conn, "On Monday.")
    app.run()
    field = f"rate.correction.{item.answer_id}"
    assert app.text_area(key=field).value == "On Monday."
    assert app.text_input(key=f"rate.wrong.{item.answer_id}").value == ""
    assert any("Round 2 is in the box" in caption.value for caption in app.caption)
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
