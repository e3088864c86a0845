"""The card: what the server tells it, and what it takes from it."""

import json

import pytest
import streamlit as st

from core.access import preferences
from core.review import ratings, rubrics
from core.store import database
from pages.review import _card, _inbox
from tests import chain
from tests.pages.rate.conftest import RATE, kept, shown, waiting


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
