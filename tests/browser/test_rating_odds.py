"""What goes wrong around the card, or is only unusual: keyboards, input methods, sockets, the way back, a model."""

import re
import threading
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Dialog, Page, WebSocketRoute, expect

from tests import openai_server
from tests.browser.room import LOOK_MS, Room, press, rated, saved, start

__all__ = ["start"]

TYPE = """([key, code, more]) =>
  document.body.dispatchEvent(new KeyboardEvent('keydown', {key, code, bubbles: true, ...more}))"""


def strike(page: Page, key: str, code: str, **more: object) -> str:
    """A key as a keyboard of another country sends it; tells which question it was about."""
    page.wait_for_timeout(LOOK_MS)
    asked = page.locator(".input").inner_text()
    page.evaluate(TYPE, [key, code, more])
    return asked


def test_other_keyboards_and_input_methods_and_what_was_written_is_not_lost_by_leaving(
    page: Page, start: Callable[..., Room]
) -> None:
    room = start(12)
    page = room.open(page.context, "mina")
    said = {
        strike(page, "&", "Digit1"): "pass",  # the digit row of a French keyboard, without Shift
        strike(page, "é", "Digit2"): "fail",
        strike(page, "з", "KeyP"): "pass",  # a keyboard that writes no Latin letters
        strike(page, "f", "KeyU"): "fail",  # Dvorak: what is printed on the key counts
    }
    rated(page, 4)

    # while characters are put together, no key is a verdict and Enter only chooses the characters
    strike(page, "p", "KeyP", isComposing=True)
    strike(page, "Process", "KeyP", keyCode=229)
    page.keyboard.press("n")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Input.imeSetComposition", {"text": "pf", "selectionStart": 2, "selectionEnd": 2})
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Enter", "windowsVirtualKeyCode": 229})
    devtools.send("Input.insertText", {"text": "太短"})
    expect(page.locator(".note")).to_have_value("太短")
    expect(page.locator(".note")).to_be_focused()
    rated(page, 4)
    page.keyboard.press("Enter")

    # a link asks before it leaves; the note and a half-written correction stay with the tab
    page.keyboard.press("e")
    page.keyboard.type("On Monday")
    page.keyboard.press("Escape")
    written = page.locator(".correction").input_value()
    asked = page.locator(".input").inner_text()
    told: list[str] = []

    def stay(dialog: Dialog) -> None:
        told.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", stay)
    elsewhere = page.get_by_test_id("stSidebarNav").get_by_role("link", name="Queues")
    elsewhere.click()
    assert "not saved yet" in told[0]
    expect(page.locator(".note")).to_have_value("太短")
    page.once("dialog", lambda dialog: dialog.accept())
    elsewhere.click()
    expect(page).to_have_url(re.compile("/queues"))
    page.get_by_test_id("stMain").get_by_text("Make a queue").wait_for()
    page.go_back()
    expect(page.locator(".note")).to_have_value("太短")
    expect(page.locator(".correction")).to_have_value(written)
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator(".note")).to_have_value("太短")
    assert press(page, "f") == asked
    said[asked] = "fail"
    rated(page, 5)
    saved(page)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Queues").click()  # nothing is unsaved: no question
    expect(page).to_have_url(re.compile("/queues"))
    kept = room.kept()
    assert {row["input"]: row["verdict"] for row in kept} == said
    assert len(kept) == 5
    assert (kept[-1]["note"], kept[-1]["correction"], kept[-1]["origin"]) == ("太短", written, "typed")


def test_back_and_forward_in_mid_session_leave_each_rating_once(page: Page, start: Callable[..., Room]) -> None:
    room = start(10)
    page = room.open(page.context, "mina")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Queues").click()
    page.get_by_test_id("stMain").get_by_text("Make a queue").wait_for()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Rate").click()
    page.locator(".output").wait_for()
    page.on("dialog", lambda dialog: dialog.accept())  # what is on its way is asked about, when it is
    said = {press(page, "f"): "fail"}
    page.go_back()  # at once, before the server has confirmed it
    page.get_by_test_id("stMain").get_by_text("Make a queue").wait_for()
    page.go_back()  # to the card as it was opened first
    page.locator(".output").wait_for()
    asked = press(page, "p")
    assert asked not in said, "an answer that is judged does not come again"
    said[asked] = "pass"
    page.go_forward()
    page.get_by_test_id("stMain").get_by_text("Make a queue").wait_for()
    page.go_forward()
    page.locator(".output").wait_for()
    asked = press(page, "p")
    assert asked not in said
    said[asked] = "pass"
    rated(page, 3)
    saved(page)
    kept = room.kept()
    assert {row["input"]: row["verdict"] for row in kept} == said
    assert len(kept) == 3


def test_own_words_are_refused_and_in_the_plain_form_a_flag_is_raised_that_a_lead_closes(
    page: Page, start: Callable[..., Room]
) -> None:
    written = "It is late because of the snow. It comes on Monday."
    room = start(3, second=written)
    page = room.open(page.context, "mina")
    card, asked_of, answer = page.locator(".room"), page.locator(".input"), page.locator(".output")
    while answer.inner_text() == written:
        page.keyboard.press("ArrowRight")
    page.keyboard.press("e")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(written)
    page.keyboard.press("Escape")
    asked = press(page, "f")
    saved(page)
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    while (asked_of.inner_text(), answer.inner_text()) != (asked, written):
        page.keyboard.press("ArrowRight")
    press(page, "p")  # what somebody has written, they do not pass
    expect(page.locator(".problem")).to_contain_text("word for word what you wrote")
    rated(page, 1)
    expect(page.locator(".progress")).to_contain_text("of 5")
    expect(card).not_to_contain_text(asked)  # and it does not come again

    page.get_by_test_id("stPopover").get_by_role("button").last.click()
    page.get_by_text("Plain form", exact=True).click()
    pause = page.locator("[class*='st-key-rate-pause-'][data-stale=false]")  # drawn last; until then, old keys count
    pause.wait_for()
    page.keyboard.press("Escape")
    (here,) = re.findall(r"st-key-rate-pause-\S+", str(pause.get_attribute("class")))
    page.locator("[class*='st-key-rate-next-'] button").click()
    expect(page.locator(f".{here}")).to_have_count(0)
    pause.wait_for()
    page.keyboard.press("ArrowLeft")
    page.locator(f".{here}[data-stale=false]").wait_for()
    page.keyboard.press("g")
    raised = page.locator("[class*='st-key-rate-flag-'][data-stale=false] button[kind=primary]").first
    raised.wait_for()
    page.keyboard.press("b")
    page.get_by_text("A pause.").wait_for()
    expect(page.get_by_test_id("stCode")).to_have_count(0)
    page.keyboard.press("b")
    page.locator(f".{here}[data-stale=false]").wait_for()
    raised.wait_for()
    page.wait_for_timeout(1200)  # sooner after the last press, a key was not meant for this answer
    page.keyboard.press("p")
    page.get_by_text("2 of 5 rated").wait_for()

    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Disputed").click()
    page.get_by_role("textbox", name="What came of it").fill("<b>The desk agrees.</b>")
    page.get_by_role("button", name="Close the flag").click()
    page.get_by_text("The flag is closed.").wait_for()
    page.get_by_text("Flags that were closed: 1").click()
    page.get_by_text("<b>The desk agrees.</b>").wait_for()
    kept = room.kept()
    told = [(row["verdict"], row["correction"], row["flagged"]) for row in kept]
    assert told == [("fail", written, False), ("pass", None, True)]


def test_a_socket_that_closes_in_mid_save_leaves_each_rating_once(page: Page, start: Callable[..., Room]) -> None:
    room = start(8)
    lost = {"said": False, "heard": False}
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda message: None if lost["said"] else server.send(message))
        server.on_message(lambda message: None if lost["heard"] else socket.send(message))
        sockets.append(socket)

    page.context.route_web_socket(re.compile(r"/_stcore/stream"), pass_on)
    page = room.open(page.context, "mina")
    said = {press(page, "p"): "pass"}
    saved(page)
    for way, key, verdict in (("said", "f", "fail"), ("heard", "p", "pass")):
        lost[way] = True  # the judgement never arrives; then: it arrives, and nobody hears of it
        said[press(page, key)] = verdict
        page.wait_for_timeout(500)
        expect(page.locator(".saving")).not_to_be_empty()
        lost[way] = False
        before = len(sockets)
        sockets[-1].close()
        expect(page.locator(".saving")).to_be_empty(timeout=30_000)  # it is sent again after a few seconds
        assert len(sockets) > before, "the browser has connected anew"
    said[press(page, "p")] = "pass"
    rated(page, 4)
    saved(page)
    kept = room.kept()
    assert {row["input"]: row["verdict"] for row in kept} == said
    assert len(kept) == 4


def test_a_model_is_told_what_is_wrong_until_its_text_is_right(page: Page, start: Callable[..., Room]) -> None:
    may_answer = threading.Event()

    def answer(body: dict[str, Any]) -> str:
        assert may_answer.wait(120)
        return f"Round {body['messages'][-1]['content'].count('END OF EXPERT')}"

    with openai_server.serve(answer=answer) as server:
        room = start(6, server.base_url)
        page = room.open(page.context, "mina")
        page.wait_for_timeout(LOOK_MS)
        asked = page.locator(".input").inner_text()
        for number, wrong in enumerate(("It has no date. p f", "Still none."), 1):
            page.keyboard.press("m")
            page.keyboard.type(wrong)
            page.keyboard.press("Enter")
            expect(page.locator(".round")).to_contain_text("rewriting")
            expect(page.locator(".said-wrong")).to_have_value(wrong)  # what it was told stays in sight
            if number == 1:
                tab = room.open(page.context, "mina")
                expect(tab.locator(".input")).to_have_text(asked)
                tab.keyboard.press("m")
                tab.keyboard.type("Too short.")
                tab.keyboard.press("Enter")
                expect(tab.locator(".problem")).to_contain_text("still at the last round")
                expect(tab.locator(".said-wrong")).to_have_value("Too short.")  # nothing came of it, so it stays
                tab.close()
                may_answer.set()
                # nobody has to sit and wait
                page.keyboard.press("ArrowRight")
                other = press(page, "p")
                page.keyboard.press("ArrowLeft")
                page.keyboard.press("ArrowLeft")
                expect(page.locator(".input")).to_have_text(asked)
            expect(page.locator(".correction")).to_have_value(f"Round {number}", timeout=60_000)
            expect(page.locator(".round")).to_contain_text(f"Round {number} is in the box")
            expect(page.locator(".said-wrong")).to_have_value("")
        assert not re.search("writer|tiny", page.locator(".room").inner_text(), re.IGNORECASE)
        assert press(page, "f") == asked
        saved(page)
        kept = {row["input"]: row for row in room.kept()}
    assert kept[other]["verdict"] == "pass"
    assert (kept[asked]["verdict"], kept[asked]["correction"], kept[asked]["origin"]) == (
        "fail",
        "Round 2",
        "rewritten",
    )
