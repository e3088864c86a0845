"""A queue of answers on the rating page's plain form, and what is pressed and read there."""

import pytest

from core.access import preferences
from core.review import ratings
from core.store import database
from pages._ui import session
from pages.review import _form
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
