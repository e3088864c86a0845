"""An expert's day on the card: by keyboard, through reloads and bad connections, beside others. Every rating once."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from core.access import people, roles, sessions
from core.access.people import Person
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
def start(tmp_path: Path) -> Iterator[Callable[[int], Room]]:
    """Starts a server with a queue of so many answers."""
    with ExitStack() as stack:

        def begin(answers: int) -> Room:
            settings = Settings(data=tmp_path / "data")
            opened = database.connect(settings)
            conn = opened.cursor()
            mina = people.create_first(conn, name="Mina", password="four plain words here")
            mina = Person(person_id=mina.person_id, name="Mina", roles=frozenset(roles.ROLES))
            wei = people.create(conn, name="Wei", password="four other words here", roles_held=["expert"], by=mina)
            world = chain.small(conn, settings, mina, dev=2, train=answers, gate=2, retain=2)
            chain.collect(world)
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


def test_a_hundred_answers_by_keyboard_in_both_languages(page: Page, start: Callable[[int], Room]) -> None:
    room = start(104)
    page = room.open(page.context, "mina")
    said: dict[str, str] = {}
    keys = {"p": "pass", "f": "fail", "s": "skip", "Numpad1": "pass", "Digit2": "fail"}
    for place in range(50):
        key = [*keys][place % len(keys)]
        said[press(page, key)] = keys[key]
    saved(page)
    page.reload()
    rated(page, 50)
    page.get_by_test_id("stSidebar").get_by_text("简体中文").click()
    expect(page.locator(".acts")).to_contain_text("不通过")
    for place in range(48):
        if place % 6 == 0:
            press(page, "k")
            said[press(page, "f")] = "fail"
        else:
            said[press(page, "p")] = "pass"
    again = press(page, "p")
    press(page, "u")  # back to it, and judged otherwise
    assert press(page, "f") == again
    said[again] = "fail"
    said[press(page, "p")] = "pass"
    rated(page, 100)
    saved(page)
    kept = room.kept()
    latest = {row["input"]: row for row in kept}
    assert {asked: row["verdict"] for asked, row in latest.items()} == said
    assert len(said) == 100
    assert len(kept) == 102  # the judgement taken back and its undo stay readable
    assert [row["error_types"] for row in kept].count(["knowledge"]) == 8


def test_a_bad_connection_a_reload_and_a_second_tab_leave_each_rating_once(
    page: Page, start: Callable[[int], Room]
) -> None:
    room = start(12)
    swallow = {"on": False}

    def pass_on(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda message: None if swallow["on"] else server.send(message))

    page.context.route_web_socket(re.compile(r"/_stcore/stream"), pass_on)
    page = room.open(page.context, "mina")
    swallow["on"] = True  # nothing reaches the server any more
    said = {press(page, "p"): "pass", press(page, "f"): "fail"}
    expect(page.locator(".saving")).to_contain_text("2")
    swallow["on"] = False
    page.reload()  # what was not confirmed is sent by the page that comes
    rated(page, 2)
    saved(page)

    other = room.open(page.context, "mina")
    said[press(page, "p")] = "pass"
    saved(page)
    other.wait_for_timeout(LOOK_MS)
    other.keyboard.press("f")  # the same answer, still shown here: judged already, so this changes nothing
    saved(other)

    page.wait_for_timeout(LOOK_MS)
    asked = page.locator(".input").inner_text()
    for _ in range(4):
        page.keyboard.down("p")  # the first is a press, the others are what a held key sends
    page.keyboard.up("p")
    said[asked] = "pass"
    rated(page, 4)
    page.keyboard.press("n")
    page.keyboard.type("pfsu 12")  # a note, not verdicts
    page.keyboard.press("Enter")
    rated(page, 4)
    asked = press(page, "f")
    said[asked] = "fail"
    saved(page)
    assert page.evaluate("Object.keys(sessionStorage).some((key) => key.startsWith('countersign.'))")
    page.get_by_test_id("stSidebar").get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    assert not page.evaluate("Object.keys(sessionStorage).some((key) => key.startsWith('countersign.'))")
    kept = room.kept()
    assert {row["input"]: row["verdict"] for row in kept} == said
    assert len(kept) == 5
    assert kept[-1]["note"] == "pfsu 12"


def test_the_card_asks_for_more_in_time_and_tells_of_a_key_that_came_too_soon(
    page: Page, start: Callable[[int], Room]
) -> None:
    room = start(30)
    page = room.open(page.context, "mina")
    page.wait_for_timeout(LOOK_MS)
    page.keyboard.press("p")
    page.keyboard.press("p")  # nobody has read the second answer yet
    expect(page.locator(".problem")).to_contain_text("did not count")
    for _ in range(29):  # twenty are fetched at once, so the line was filled on the way
        expect(page.locator(".calm")).to_be_hidden()
        press(page, "p")
    expect(page.locator(".calm-title")).to_contain_text("Nothing waits")
    saved(page)
    assert len({row["input"] for row in room.kept()}) == 30


def test_two_raters_at_once_say_one_thing_each(page: Page, start: Callable[[int], Room]) -> None:
    room = start(6)
    hers = room.open(page.context, "mina")
    his = room.open(page.context.browser.new_context(locale="zh-CN"), "wei")
    for _ in range(6):
        press(hers, "p")
        press(his, "f")
    for one in (hers, his):
        expect(one.locator(".calm-title")).to_be_visible()
        saved(one)
    kept = room.kept()
    assert sorted(row["rater"] for row in kept) == ["mina"] * 6 + ["wei"] * 6
    assert {(row["rater"], row["verdict"]) for row in kept} == {("mina", "pass"), ("wei", "fail")}
    assert len({row["input"] for row in kept}) == 6
