"""An expert's day on the card: by keyboard, through reloads and bad connections, beside others. Every rating once."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.room import LOOK_MS, Room, press, rated, saved, start

__all__ = ["start"]


def test_a_hundred_answers_each_by_keyboard_alone_in_both_languages_at_once(
    page: Page, start: Callable[..., Room]
) -> None:
    room = start(100)
    hers = room.open(page.context, "mina")
    his = room.open(page.context.browser.new_context(locale="zh-CN"), "wei")
    expect(hers.locator(".acts")).to_contain_text("Fail")
    expect(his.locator(".acts")).to_contain_text("不通过")
    both = {"mina": hers, "wei": his}
    said: dict[str, dict[str, str]] = {"mina": {}, "wei": {}}
    keys = {"p": "pass", "f": "fail", "s": "skip", "Numpad1": "pass", "Digit2": "fail"}

    def judge(place: int, name: str, key: str) -> str:
        if place % 12 == 0:
            both[name].keyboard.press("k")
        asked = both[name].locator(".input").inner_text()
        both[name].keyboard.press(key)
        said[name][asked] = keys[key]
        return asked

    for place in range(98):
        hers.wait_for_timeout(LOOK_MS)  # a look at both, which lie side by side
        for shift, name in enumerate(both):
            judge(place, name, "f" if place % 12 == 0 else [*keys][(place + shift) % len(keys)])
        if place == 49:
            for one in both.values():
                saved(one)
                one.reload()
                rated(one, 50)
            for words, fail in (("简体中文", "不通过"), ("English", "Fail")):  # in mid-session, and back
                hers.get_by_test_id("stSidebar").get_by_text(words).click()
                expect(hers.locator(".acts")).to_contain_text(fail)
            rated(hers, 50)
    for name, one in both.items():
        one.wait_for_timeout(LOOK_MS)
        again = judge(98, name, "p")
        press(one, "u")  # back to it, and judged otherwise
        one.wait_for_timeout(LOOK_MS)
        assert judge(98, name, "f") == again
        one.wait_for_timeout(LOOK_MS)
        judge(99, name, "p")
        expect(one.locator(".calm-title")).to_be_visible()
        rated(one, 100)
        saved(one)
    kept = room.kept()
    for name in both:
        mine = [row for row in kept if row["rater"] == name]
        assert {row["input"]: row["verdict"] for row in mine} == said[name]
        assert len(said[name]) == 100
        assert len(mine) == 102  # the judgement taken back and its undo stay readable
        assert [row["error_types"] for row in mine].count(["knowledge"]) == 9


def test_a_bad_connection_a_reload_and_a_second_tab_leave_each_rating_once(
    page: Page, start: Callable[..., Room]
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


def on_a_phone(page: Page) -> None:
    """A long question leaves answer and buttons in view, and the next answer comes where the last one was read."""
    page.set_viewport_size({"width": 420, "height": 800})
    asked, answer, acts = (page.locator(one) for one in (".pane[data-name=asked]", ".output", ".acts"))
    expect(answer).to_be_in_viewport(ratio=1)
    expect(acts.get_by_role("button").first).to_be_in_viewport(ratio=1)
    assert asked.evaluate("one => one.scrollHeight > 2 * one.clientHeight"), "the question scrolls by itself"
    over = "one => one.getBoundingClientRect()"
    assert answer.evaluate(over)["bottom"] <= acts.evaluate(over)["top"], "the buttons do not lie over it"
    page.set_viewport_size({"width": 420, "height": 440})  # its keyboard takes the rest
    page.locator(".note").evaluate("one => one.scrollIntoView({block: 'start'})")
    expect(page.locator(".question")).not_to_be_in_viewport()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".question")).to_be_in_viewport(ratio=1)
    page.keyboard.press("ArrowLeft")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_the_card_asks_for_more_in_time_and_tells_of_a_key_that_came_too_soon(
    page: Page, start: Callable[..., Room]
) -> None:
    room = start(30, over=40)
    page = room.open(page.context, "mina")
    on_a_phone(page)
    page.keyboard.press("d")
    answer, wanted = page.locator(".output"), page.locator(".wanted")
    expect(wanted).to_be_visible()
    differ = answer.inner_text() != wanted.inner_text()
    assert (answer.locator("mark").count() > 0, wanted.locator("mark").count() > 0) == (differ, differ)
    page.keyboard.press("v")
    expect(wanted).to_be_hidden()
    page.wait_for_timeout(LOOK_MS)
    page.keyboard.press("p")
    page.keyboard.press("p")  # nobody has read the second answer yet
    expect(page.locator(".problem")).to_contain_text("did not count")
    page.keyboard.press("?")
    expect(page.locator(".sheet")).to_contain_text("Knowledge missing")  # the letters of the error types, too
    page.keyboard.press("Escape")
    expect(page.locator(".sheet")).to_be_hidden()
    page.keyboard.press("b")
    expect(page.locator(".calm-title")).to_contain_text("A pause")
    page.keyboard.press("p")  # goes on, and judges nothing
    expect(page.locator(".calm")).to_be_hidden()
    page.keyboard.press("g")
    for _ in range(29):  # twenty are fetched at once, so the line was filled on the way
        expect(page.locator(".calm")).to_be_hidden()
        press(page, "p")
    expect(page.locator(".calm-title")).to_contain_text("Nothing waits")
    saved(page)
    kept = room.kept()
    assert len({row["input"] for row in kept}) == 30
    assert [row["flagged"] for row in kept] == [False, True, *[False] * 28]
