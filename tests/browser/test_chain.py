"""A person walks the chain in a browser: from the set-up link to the verdict, on the demo task and a tiny model.

The starter model is asked of a registry that is not there, and a folder is added instead, as the page says; how it
arrives from one that is there is told in `tests/core/generation/test_starter.py`, over real HTTP. The import here is
of a file that goes in as it is; `test_eval_sets.py` has one with bad rows and columns to choose.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from core.settings import SAMPLES
from tests import tiny
from tests.browser.conftest import Server

CSV = "text,category\nWhere is my card?,card_arrival\n我的卡丢了怎么办,lost_card\nIs your rate right?,exchange_rate\n"
RATED = 12
MINUTES = 60_000


def button(page: Page, name: str):
    """Of the page itself: Streamlit's header has a Stop of its own while a page is drawn."""
    return page.get_by_test_id("stMain").get_by_role("button", name=re.compile(name)).first


def open_page(page: Page, server: Server, name: str) -> None:
    page.goto(f"{server.url}/{name}")
    page.get_by_test_id("stMain").get_by_role("heading").first.wait_for()


def sign_up(page: Page, server: Server) -> None:
    page.goto(server.set_up)
    page.locator("input[name=name]").fill("Mina")
    for field in ("password", "again"):
        page.locator(f"input[name={field}]").fill("four plain words here")
    page.locator("button[type=submit]").last.click()
    page.get_by_test_id("stSidebar").get_by_text("Signed in as Mina").wait_for()


@pytest.fixture(autouse=True)
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip, as the app starts it, looks where nobody listens."""
    for name, value in {"CONFIG_FILE": "/dev/null", "FIND_LINKS": "", "INDEX_URL": "http://127.0.0.1:9/simple"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)


def test_from_the_set_up_link_to_the_verdict(page: Page, server: Server) -> None:
    texts = [file.read_text("utf-8") for file in SAMPLES.glob("*.json*")]
    tiny.model(server.data / "models" / "tiny", brief=texts)
    sign_up(page, server)

    # another person's browser reaches nothing, by no URL
    stranger = page.context.browser.new_context().new_page()
    stranger.goto(f"{server.url}/rate")
    expect(stranger).to_have_url(re.compile("/sign-in"))

    # the language changes at once and is still there after a reload
    page.get_by_test_id("stSidebar").get_by_text("简体中文").click()
    page.get_by_test_id("stSidebar").get_by_text("提示词", exact=True).wait_for()
    page.reload()
    page.get_by_test_id("stSidebar").get_by_text("提示词", exact=True).wait_for()
    page.get_by_test_id("stSidebar").get_by_text("English", exact=True).click()
    page.get_by_test_id("stSidebar").get_by_text("Prompts", exact=True).wait_for()

    open_page(page, server, "eval_sets")
    page.get_by_test_id("stMain").get_by_text("Import a file", exact=True).click()
    page.locator("input[type=file]").set_input_files(
        {"name": "intents.csv", "mimeType": "text/csv", "buffer": CSV.encode("gb18030")}
    )
    button(page, "Import 3 rows").click()
    page.get_by_text("Saved: intents, version 1, with 3 samples.").wait_for()

    open_page(page, server, "models")
    button(page, "Fetch the starter model").click()
    page.get_by_text("add a model from a folder on this machine instead").wait_for(timeout=2 * MINUTES)
    page.get_by_text("Model folder", exact=True).click()
    button(page, "found in the models folder").click()
    page.get_by_text("is registered").wait_for()

    open_page(page, server, "runs")
    button(page, "Run the ladder").click()
    button(page, "^.*Stop").click()
    page.get_by_text(re.compile("Ladder: .* · stopped")).wait_for(timeout=2 * MINUTES)
    tab = page.context.new_page()
    open_page(tab, server, "runs")
    button(tab, "^.*Resume").click()
    tab.get_by_text(re.compile("Ladder: .* · (waiting|running)")).wait_for()
    tab.close()  # the run does not belong to it
    page.reload()
    page.get_by_text(re.compile("Ladder: .* · done")).wait_for(timeout=5 * MINUTES)
    page.get_by_test_id("stVegaLiteChart").first.wait_for()

    page.get_by_text("Answers for people to judge", exact=True).click()
    button(page, "Collect .* answers").click()
    page.get_by_text(re.compile("Answers for approval: .* · done")).wait_for(timeout=5 * MINUTES)
    button(page, "Put them into the rating queue").click()
    page.get_by_text("answers wait to be judged").wait_for()

    rate_by_keyboard(page, server)

    open_page(page, server, "approvals")
    page.get_by_text("I have looked at these").click()
    button(page, f"Approve all {RATED} on this page").click()
    page.get_by_text(f"{RATED} samples are approved").wait_for()

    open_page(page, server, "trial")
    button(page, "Start trial fine-tune").click()
    page.get_by_text("The trial has begun").wait_for()
    page.get_by_text(re.compile("Trial fine-tune of .* · done")).wait_for(timeout=5 * MINUTES)
    page.get_by_text(re.compile("Proof: .* · done")).wait_for(timeout=8 * MINUTES)

    open_page(page, server, "before_after")
    button(page, "Look without a plan").click()
    sentence = page.get_by_test_id("stAlert").first
    expect(sentence).to_contain_text(re.compile(r"gate samples.*95% interval"))

    open_page(page, server, "audit")
    page.get_by_text(re.compile("intact", re.IGNORECASE)).first.wait_for()
    page.get_by_test_id("stSidebar").get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))


def rate_by_keyboard(page: Page, server: Server) -> None:
    """T takes the reference, U takes the last verdict back, P and F judge; the next answer comes by itself."""
    open_page(page, server, "rate")
    assert not re.search(r"tiny|minimal|rung", page.get_by_test_id("stMain").inner_text(), re.IGNORECASE)
    page.get_by_text("0 of ").wait_for()
    page.keyboard.press("v")
    button(page, "Take the reference").wait_for()
    for number in range(1, RATED + 1):
        press(page, "t", number)
    press(page, "f", RATED + 1)
    press(page, "u", RATED)
    expect(page.locator(".saving")).to_be_empty()  # it is sent behind the next answer


def press(page: Page, key: str, rated: int) -> None:
    page.wait_for_timeout(400)  # faster than anybody reads does not count
    page.keyboard.press(key)
    page.get_by_text(re.compile(rf"^{rated} of ")).wait_for()
