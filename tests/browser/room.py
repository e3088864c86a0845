"""The rating room as its raters find it: a running server with answers in a queue, and windows on the card."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core.access import people, roles, sessions
from core.access.people import Person
from core.evaluation import models
from core.review import queues, repair
from core.settings import Settings
from core.store import database
from tests import chain
from tests.browser.conftest import running

LOOK_MS = 280  # a little longer than the shortest look that the card accepts


@dataclass(slots=True, kw_only=True)
class Room:
    """A running server with answers in a queue, and who may rate them."""

    url: str
    settings: Settings
    cookies: dict[str, str]
    server: ExitStack

    def open(self, context: BrowserContext, name: str) -> Page:
        """A window on the rating page, signed in."""
        context.add_cookies([{"name": sessions.COOKIE, "value": self.cookies[name], "url": self.url}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{self.url}/rate")
        page.locator(".output").wait_for()  # a server's first page, with others starting beside it
        expect(page.locator(".output")).not_to_be_empty()
        return page

    def kept(self) -> list[dict[str, object]]:
        """What is in the database, once the server has ended."""
        self.server.close()
        conn = duckdb.connect(str(self.settings.database), read_only=True)
        query = "select r.*, p.input from ratings as r join answers as a using (answer_id) "
        query += "join samples as p using (sample_id) order by rating_id"
        found = database.rows(conn, query)
        conn.close()
        return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Room]]:
    """Starts a server with a queue of so many answers, and a model at `writer` that rewrites them.

    `second` is a text that another version gave as its answer to each of the samples, in the same queue. The questions
    are said so many times `over`.
    """
    with ExitStack() as stack:

        def begin(answers: int, writer: str = "", second: str = "", over: int = 1) -> Room:
            settings = Settings(data=tmp_path / "data")
            opened = database.connect(settings)
            conn = opened.cursor()
            mina = people.create_first(conn, name="Mina", password="four plain words here")
            mina = Person(person_id=mina.person_id, name="Mina", roles=frozenset(roles.ROLES))
            wei = people.create(conn, name="Wei", password="four other words here", roles_held=["expert"], by=mina)
            world = chain.small(conn, settings, mina, dev=2, train=answers, gate=2, retain=2)
            chain.collect(world)
            if second:
                run_ids = [*conn.execute("select run_id from runs").fetchone()]
                chain.collect(world)
                run_ids += conn.execute("select run_id from runs where run_id <> ?", run_ids).fetchone()
                conn.execute("update answers set text = ? where run_id = ?", [second, run_ids[1]])
                queues.create(conn, by=mina, task_id=world.task.task_id, run_ids=run_ids)
            if writer:
                model = models.register_api(conn, by=mina, name="Writer", base_url=writer, api_model="tiny")
                repair.choose(conn, by=mina, task_id=world.task.task_id, model_id=model.model_id)
            conn.execute("update samples set input = trim(repeat(input || ' ', ?))", [over])
            cookies = {one.person_id: sessions.start(conn, one) for one in (mina, wei)}
            opened.close()
            url = stack.enter_context(running(settings.data)).rstrip("/")
            return Room(url=url, settings=settings, cookies=cookies, server=stack)

        yield begin


def press(page: Page, key: str) -> str:
    """Look at the answer, press the key, and tell which question it was about."""
    page.wait_for_timeout(LOOK_MS)
    asked = page.locator(".input").inner_text()
    page.keyboard.press(key)
    return asked


def rated(page: Page, count: int) -> None:
    expect(page.locator(".progress")).to_have_text(re.compile(rf"\b{count}\b"))


def saved(page: Page) -> None:
    expect(page.locator(".saving")).to_be_empty()
