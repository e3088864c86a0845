"""A teacher in a browser, by those whose work it is: asked, a share of its answers judged, the batch approved.

The teacher is a real endpoint; the expert and the approver read Chinese.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from core.access import people, preferences, sessions
from core.evaluation import eval_sets, models, terms
from core.review import approvals
from core.settings import Settings
from core.store import audit, database
from core.training import distillations
from tests import chain, openai_server
from tests.browser import room
from tests.browser.conftest import running

PASSWORD = "four plain words here"
ROLES = {"owen": "operator", "wei": "expert", "ann": "approver"}
PRICED = terms.Terms(price_prompt=1000.0, price_completion=2000.0)


class Teacher:
    """Its first candidate is always wrong; to one question it never finds the answer."""

    def __init__(self, right: dict[str, str], hopeless: str) -> None:
        self.right, self.hopeless, self.asked = right, hopeless, Counter[str]()

    def __call__(self, body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        self.asked[text] += 1
        return "I am not sure." if self.asked[text] == 1 or text == self.hopeless else self.right[text]


def sit_down(page: Page, url: str, token: str, name: str) -> None:
    """The next person takes the seat at this browser, signed in, and opens a page."""
    page.goto("about:blank")
    page.context.add_cookies([{"name": sessions.COOKIE, "value": token, "url": url}])
    page.goto(f"{url}/{name}")


def test_a_teacher_is_asked_checked_by_an_expert_and_approved_as_a_batch(page: Page, tmp_path: Path) -> None:
    page.set_default_timeout(60_000)
    settings = Settings(data=tmp_path / "data")
    connection = database.connect(settings)
    conn = connection.cursor()
    mina = people.create_first(conn, name="Mina", password=PASSWORD)
    world = chain.small(conn, settings, mina, dev=2, train=6, gate=2, retain=2)
    taught = {one.input: one.reference for one in eval_sets.samples(conn, world.eval_set.eval_set_id, "train")}
    hopeless = [*taught][-1]
    tokens = {}
    for name, role in ROLES.items():
        person = people.create(conn, name=name.title(), password=PASSWORD, roles_held=[role], by=mina)
        preferences.choose_language(conn, person, "en" if name == "owen" else "zh")
        tokens[name] = sessions.start(conn, person)
    with openai_server.serve(answer=Teacher(taught, hopeless)) as endpoint:
        big = models.register_api(conn, by=mina, name="Big", base_url=endpoint.base_url, api_model="tiny")
        models.register_api(conn, by=mina, name="Little", base_url=endpoint.base_url, api_model="other")
        terms.agree(conn, by=mina, model_id=big.model_id, terms=PRICED)
        connection.close()
        with running(settings.data) as link:
            url = link.rstrip("/")

            # the operator: what it will cost is there before anything is asked, and terms are asked for
            sit_down(page, url, tokens["owen"], "distil")
            page.get_by_text("cost not known: Little has no price").wait_for()
            page.get_by_test_id("stSelectbox").filter(has_text="Model").locator("input").click()
            page.get_by_role("option", name="Big").click()
            page.get_by_text(re.compile(r"18 answers · about [\d.]+ USD, at most [\d.]+ USD")).wait_for()
            page.get_by_role("button", name="Ask the teacher").click()
            page.get_by_text("Say under which terms the teacher's answers may be learned from").wait_for()
            assert endpoint.seen == []
            page.get_by_role("textbox", name="Terms under which").fill("Apache-2.0 ")
            page.get_by_role("textbox", name="Terms under which").press("Enter")
            page.get_by_role("button", name="Ask the teacher").click()
            page.get_by_text(re.compile("Teacher's answers: Parcels by Big · done")).wait_for()
            page.get_by_role("button", name="Keep the best and draw the share").click()
            page.get_by_text("5 of 6 samples; to 1 no candidate was right").wait_for()
            expect(page.get_by_role("button", name="Approve the batch")).to_have_count(0)

            # the expert judges what was drawn, without being told whose it is
            sit_down(page, url, tokens["wei"], "rate")
            page.locator(".output").wait_for()
            assert "Big" not in page.get_by_test_id("stMain").inner_text()
            refused = room.press(page, "f")
            room.rated(page, 1)
            for count in range(2, 6):
                room.press(page, "p")
                room.rated(page, count)
            room.saved(page)

            # the approver sees the pass rate with its interval, and decides
            sit_down(page, url, tokens["ann"], "distil")
            page.get_by_text("抽出的回答中 80% 通过，95% 区间 38% 至 96%，n=5。").wait_for()
            page.get_by_role("button", name="驳回这一批").click()
            page.get_by_text("拒绝需要说明理由").wait_for()
            page.get_by_role("button", name="批准这一批").click()
            page.get_by_text("已批准 4 个样本，每个都注明教师模型。").wait_for()
            expect(page.get_by_text(re.compile("Ann 于 .* 批准：4 个样本"))).to_be_visible()

            sit_down(page, url, tokens["owen"], "trial")
            page.get_by_text("4 made by a teacher").wait_for()
            page.get_by_text("4 answers of Big: Apache-2.0").wait_for()

    assert len(endpoint.seen) == 18
    connection = database.connect(settings)
    conn = connection.cursor()
    rows = approvals.approved(conn, world.task.task_id)
    assert {(row["teacher"], row["licence"]) for row in rows} == {("Big", "Apache-2.0")}
    learned = {row["input"]: row["completion"] for row in rows}
    assert learned == {text: taught[text] for text in taught if text not in (hopeless, refused)}
    (batch,) = distillations.of_task(conn, world.task.task_id)
    assert (batch["decided_by"], batch["passed"], batch["checked"], batch["approved"]) == ("ann", 4, 5, 4)
    assert audit.first_bad_entry(conn) is None
    connection.close()
