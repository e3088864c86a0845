"""Hostile documents shown to raters in a real browser: nothing is asked for elsewhere, nothing runs, all is text."""

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from core.access import people, roles, sessions
from core.access.people import Person
from core.evaluation import matrices, prompts
from core.evaluation.matrices import Matrix
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.knowledge import indexes
from core.review import queues
from core.settings import Settings
from core.store import database
from tests import chain
from tests.browser.conftest import HERE, running

HOSTILE = Path(__file__).parents[1] / "core/knowledge/hostile.jsonl"


def prepared(settings: Settings) -> str:
    """A queue whose answers were given as many hostile passages as one question can be shown; Mina's cookie."""
    opened = database.connect(settings)
    conn = opened.cursor()
    mina = people.create_first(conn, name="Mina", password="four plain words here")
    mina = Person(person_id=mina.person_id, name="Mina", roles=frozenset(roles.ROLES))
    world = chain.small(conn, settings, mina, dev=2, train=2, gate=2, retain=2)
    texts = [json.loads(line)["text"] for line in HOSTILE.read_text("utf-8").splitlines()]
    files = [(f"<img src=x onerror=window.hacked=1>{n}.txt", f"Where is it? {text}".encode())
             for n, text in enumerate(texts)]  # fmt: skip
    indexes.add(conn, by=mina, task_id=world.task.task_id, files=files)
    index = indexes.newest(conn, world.task.task_id)
    assert index is not None
    prompt = Prompt(name="P", system="", template="{passages}\n{input}")
    prompts.save_ladder(conn, by=mina, task_id=world.task.task_id, eval_set_name="x", rungs=[("B", prompt)])
    matrix = Matrix(eval_set=world.eval_set, split="dev", prompts=[("B", prompt)], models=[world.base],
                    retrieval=Retrieval(index_id=index.index_id, k=20))  # fmt: skip
    job_id = matrices.start(conn, by=mina, matrix=matrix)
    chain.work(world)
    run_ids = [run_id for (run_id,) in conn.execute("select run_id from runs where job_id = ?", [job_id]).fetchall()]
    queues.create(conn, by=mina, task_id=world.task.task_id, run_ids=run_ids)
    cookie = sessions.start(conn, mina)
    opened.close()
    return cookie


def test_hostile_passages_are_text_on_the_card_in_the_plain_form_and_in_the_search(page: Page, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    cookie = prepared(settings)
    elsewhere: list[str] = []
    page.context.on("request", lambda request: HERE.match(request.url) or elsewhere.append(request.url))
    with running(settings.data) as link:
        url = link.rstrip("/")
        page.context.add_cookies([{"name": sessions.COOKIE, "value": cookie, "url": url}])
        page.goto(f"{url}/rate")
        expect(page.locator(".passage")).to_have_count(20, timeout=60_000)
        expect(page.locator(".passages mark").first).to_be_visible()
        assert page.locator(".passages").locator("img, script, a, iframe, style, svg, form").count() == 0
        page.get_by_test_id("stPopover").get_by_role("button").click()
        page.get_by_text("Plain form").click()
        expect(page.locator(".passages h4")).to_have_count(20, timeout=60_000)
        assert page.locator(".passages").locator("img, script, a, iframe, style, svg, form").count() == 0
        page.goto(f"{url}/knowledge")
        page.get_by_label("Question", exact=True).fill("where is it late payment")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Late payment", exact=False).first).to_be_visible(timeout=60_000)
        assert page.evaluate("window.hacked") is None
    assert not elsewhere
