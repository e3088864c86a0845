"""A round of blind comparisons by keyboard alone, in both languages, reloaded in the middle. Every choice once."""

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.access import people, preferences, sessions
from core.review import comparisons
from core.settings import Settings
from core.store import database
from tests import chain
from tests.browser.conftest import running

KEYS = {"a": "left", "b": "right", "t": "tie", "n": "both_bad"}
PAIRS = 12


@pytest.mark.parametrize(("language", "counted"), [("en", "{} of 12 compared"), ("zh", "已对比 {} / 12")])
def test_a_round_is_compared_by_keyboard_alone(tmp_path: Path, page: Page, language: str, counted: str) -> None:
    settings = Settings(data=tmp_path / "data")
    opened = database.connect(settings)
    conn = opened.cursor()
    mina = people.create_first(conn, name="Mina", password="four plain words here")
    preferences.choose_language(conn, mina, language)
    world = chain.small(conn, settings, mina, dev=PAIRS, train=2, gate=2, retain=2)
    chain.climb(world, chain.shares(A=0.0, B=1.0))
    run_ids = [row[0] for row in conn.execute("select run_id from runs").fetchall()]
    round_id = comparisons.create(conn, by=mina, task_id=world.task.task_id, run_ids=run_ids)
    order = [pair.pair_id for pair in comparisons.waiting(conn, round_id, "mina", PAIRS)]
    token = sessions.start(conn, mina)
    opened.close()

    said = [list(KEYS)[number % len(KEYS)] for number in range(PAIRS)]
    with ExitStack() as stack:
        url = stack.enter_context(running(settings.data)).rstrip("/")
        page.context.add_cookies([{"name": sessions.COOKIE, "value": token, "url": url}])
        page.set_default_timeout(60_000)
        page.goto(f"{url}/compare")
        main = page.get_by_test_id("stMain")
        main.get_by_text(counted.format(0)).wait_for()
        assert not re.search(r"Base|Sort|[AB] · ", main.inner_text())
        for number, key in enumerate(said, start=1):
            if number == 6:
                page.reload()
                main.get_by_text(counted.format(5)).wait_for()
            if number == 3:  # letters that are typed into the reason are no choices
                reason = main.locator("input[type=text]").first
                reason.fill("")
                reason.press_sequentially("tab n")
                page.keyboard.press("Tab")
            # The place of a button is there before the button, whose code the browser fetches at its first use; nobody
            # presses what is not to be seen, and until then no key is heard.
            page.locator(f"[class*='st-key-compare-left-{order[number - 1]}'] button").wait_for()
            page.wait_for_timeout(350)  # faster than anybody reads is ignored as a held key
            page.keyboard.press(key)
            if number < PAIRS:
                main.get_by_text(counted.format(number)).wait_for()
        expect(page.get_by_test_id("stAlert")).to_be_visible(timeout=60_000)

    opened = database.connect(settings)
    kept = database.rows(opened.cursor(), "select * from preferences order by preference_id")
    opened.close()
    assert [(row["pair_id"], row["choice"]) for row in kept] == [
        (pair, KEYS[key]) for pair, key in zip(order, said, strict=True)
    ]
    assert [row["reason"] for row in kept if row["reason"]] == ["tab n"]
