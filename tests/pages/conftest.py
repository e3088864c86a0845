"""A page test's world: a real database in a folder of its own, the demo task, and somebody signed in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.access import people, roles, sessions
from core.access.people import Person
from core.evaluation import demo_task
from pages._ui import session, state


@pytest.fixture
def conn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor on the database that the pages use, too."""
    state.close()
    monkeypatch.setenv("COUNTERSIGN_DATA", str(tmp_path / "data"))
    yield state.conn()
    state.close()


@pytest.fixture
def mina(conn: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody with every role, whose cookie the pages see."""
    person = people.create_first(conn, name="Mina", password="four plain words here")
    token = sessions.start(conn, person)
    monkeypatch.setattr(session, "_token", lambda: token)
    return person


@pytest.fixture
def task(conn: duckdb.DuckDBPyConnection, mina: Person) -> str:
    """The id of the demo task."""
    return demo_task.create(conn, by=mina).task_id


@pytest.fixture
def page(mina: Person) -> Callable[[str], AppTest]:
    """Opens a page by its path under pages/, such as `page("review/rate.py")`, behind the real navigation."""
    assert roles.may(mina, "read")

    st.session_state.clear()  # the test's own, where AppTest words the options: it outlives the test

    def open_page(path: str) -> AppTest:
        app = AppTest.from_file("../../pages/_ui/main.py", default_timeout=30).run()
        assert not app.exception
        return app.switch_page(f"../{path}").run()

    return open_page
