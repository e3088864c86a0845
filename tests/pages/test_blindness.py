"""While answers wait for a rater's verdict, nothing the rater can open tells which version wrote which."""

from collections.abc import Iterator

import pytest
import streamlit as st
from google.protobuf.json_format import MessageToJson
from streamlit.delta_generator import DeltaGenerator

from core.access import people, sessions
from core.evaluation import models
from core.review import comparisons, ratings, repair
from core.review.ratings import Rating
from pages._ui import session
from pages.review import _card
from tests import chain
from tests.pages.test_every_page import PAGES

ROOM = [path for path in PAGES if path.startswith(("review/", "home/"))]
MADE = {"latency_s": "7.654321", "cost": "0.0345678", "prompt_tokens": "98765", "completion_tokens": "43219"}


@pytest.fixture
def world(conn, mina, monkeypatch):
    """Bo, an expert and nothing else, has a queue of two versions and an open round before him."""
    world = chain.small(conn, session.settings(), mina, dev=3, train=3, gate=2, retain=2)
    chain.climb(world, chain.shares(A=0.4, B=0.7))
    queue_id = chain.collect(world)
    run_ids = [run for (run,) in conn.execute("select run_id from runs where purpose = 'ladder'").fetchall()]
    chain.queues.create(conn, by=mina, task_id=world.task.task_id, run_ids=run_ids)
    comparisons.create(conn, by=mina, task_id=world.task.task_id, run_ids=run_ids)
    model = models.register_api(
        conn, by=mina, name="Unseen writer", base_url="http://127.0.0.1:9/v1", api_model="pen-9"
    )
    repair.choose(conn, by=mina, task_id=world.task.task_id, model_id=model.model_id)
    conn.execute("update prompts set name = 'Unseen prompt ' || name")
    conn.execute("update models set name = 'Unseen model ' || name")
    conn.execute("update answers set text = 'Answer number ' || md5(answer_id) || ' to it.'")
    for column, value in MADE.items():
        conn.execute(f"update answers set {column} = {value}")
    bo = people.create(conn, name="Bo", password="four other words here", roles_held=["expert"], by=mina)
    cy = people.create(conn, name="Cy", password="four more words here", roles_held=["expert"], by=mina)
    (first, second, third) = ratings.waiting(conn, queue_id, "bo", 3)
    ratings.record(conn, Rating(queue_id=queue_id, answer_id=first.answer_id, verdict="pass"), by=bo)
    peers = {"verdict": "fail", "correction": "Peer correction", "note": "Peer note", "flagged": True}
    for place, item in enumerate((second, third)):  # one that peers agree about, and one that they dispute
        ratings.record(conn, Rating(queue_id=queue_id, answer_id=item.answer_id, **peers), by=mina)
        said = {"verdict": "skip", "note": "Peer skip"} if place else {"verdict": "pass", "note": "Peer pass"}
        ratings.record(conn, Rating(queue_id=queue_id, answer_id=item.answer_id, **said), by=cy)
    token = sessions.start(conn, bo)
    monkeypatch.setattr(session, "_token", lambda: token)
    return world


@pytest.fixture
def handed_out(monkeypatch):
    """What is given to the card and to buttons that download something."""
    found = []
    card = _card._card
    monkeypatch.setattr(_card, "_card", lambda **more: (found.append(str(more["data"])), card(**more)))

    def download(*args, **more):
        data = more.get("data", args[-1])
        found.append(str(data() if callable(data) else data))

    monkeypatch.setattr(st, "download_button", lambda label, data, *_, **__: download(data))
    monkeypatch.setattr(DeltaGenerator, "download_button", lambda place, label, data, *_, **__: download(data))
    return found


def everything(app) -> Iterator[str]:
    """All that the browser is sent for a page, as text, and its address."""

    def inside(block):
        for child in block.children.values():
            if hasattr(child, "children"):
                yield MessageToJson(child.proto, ensure_ascii=False) if child.proto else ""
                yield from inside(child)
            else:
                yield MessageToJson(child.proto, ensure_ascii=False)

    yield from inside(app._tree)
    yield str(app.query_params)


def secrets(world):
    """What names or gives away a version: ids and names of runs, prompts and models, and what answers took."""
    query = """
        select distinct unnest([run_id, prompt_id, model_id, p.name, m.name]) from runs
        join prompts as p using (prompt_id) join models as m using (model_id)
    """
    named = {name for (name,) in world.conn.execute(query).fetchall()}
    return named | set(MADE.values()) | {"Unseen writer", "pen-9"}


def test_in_the_rating_room_no_version_cost_or_latency_is_sent_to_the_browser(page, world, handed_out):
    for path in ROOM:
        sent = " ".join([*everything(page(path)), *handed_out])
        assert "Bo" in sent, "the walk reaches the text of the page"
        found = {secret for secret in secrets(world) if secret in sent}
        assert not found, path
        assert "Peer" not in sent, path
    assert any("Answer number" in one for one in handed_out), "the card has been looked into"


def test_wherever_versions_are_named_no_waiting_answer_stands_beside_them(page, world, handed_out, monkeypatch):
    for path in PAGES:
        if path not in ROOM:
            sent = " ".join([*everything(page(path)), *handed_out])
            assert "Answer number" not in sent, path
            assert "Peer" not in sent, path
    token = sessions.start(world.conn, world.by)
    monkeypatch.setattr(session, "_token", lambda: token)
    sent = " ".join(everything(page("review/adjudicate.py")))
    assert sent.count("Peer note") == 3, "whoever has judged them sees them: once disputed, twice flagged"
