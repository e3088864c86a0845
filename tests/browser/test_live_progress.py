"""A run that is looked at tells how far it is; when nobody looks, nothing is done for it; several wait in a row."""

import os
import re
from pathlib import Path
from time import monotonic

from playwright.sync_api import Page, expect

from core.access import people, sessions
from core.evaluation import eval_sets, models, prompts, runs
from core.jobs import folder as job_folder
from core.jobs import jobs
from core.settings import Settings
from core.store import database
from tests import openai_server
from tests.browser.conftest import running
from tests.core.jobs.conftest import queue_run

LOOK_S = 3
LINES = 20_000


def test_progress_is_live_for_whoever_looks_and_costs_nothing_when_nobody_does(tmp_path: Path, page: Page) -> None:
    settings = Settings(data=tmp_path / "data")
    opened = database.connect(settings)
    conn = opened.cursor()
    mina = people.create_first(conn, name="Mina", password="four plain words here")
    with openai_server.serve(delay_s=2) as server:
        first = queue_run(conn, mina, server.base_url, count=2000)
        task_id = jobs.find(conn, first).task_id
        (eval_set,), (model,) = eval_sets.of_task(conn, task_id), models.everything(conn)
        ladder = prompts.ladder(conn, task_id, eval_set.name)
        second = runs.start_ladder(conn, by=mina, eval_set=eval_set, ladder=ladder, model=model)
        token = sessions.start(conn, mina)
        opened.close()
        with running(settings.data) as said:
            app, url = app_process(), said.rstrip("/")
            page.context.add_cookies([{"name": sessions.COOKIE, "value": token, "url": url}])
            page.set_default_timeout(60_000)
            asked: list[float] = []
            page.on("websocket", lambda socket: socket.on("framesent", lambda _: asked.append(monotonic())))
            main = page.get_by_test_id("stMain")

            def frames() -> int:
                before = len(asked)
                page.wait_for_timeout(1000 * LOOK_S)
                return len(asked) - before

            def megabytes() -> float:
                before = read_so_far(app)
                page.wait_for_timeout(1000 * LOOK_S)
                return read_so_far(app) - before

            # one works, the next says that it waits, and begins when that has ended
            page.goto(f"{url}/runs")
            main.get_by_text("next in the queue").wait_for()
            job_folder.ask_to_stop(jobs.folder_of(settings, first))
            main.get_by_text(re.compile(r"answering · \d+ of \d+")).wait_for()
            assert frames() >= 2

            # what the page reads of the folder shows in what the app reads, as long as somebody looks
            folder = jobs.folder_of(settings, second)
            with (folder / "events.jsonl").open("a") as events:
                events.write('{"at": "2026-11-30T12:00:00+00:00", "event": "noise"}\n' * LINES)
            assert megabytes() > 1
            page.goto("about:blank")
            page.wait_for_timeout(2000)
            assert (job_folder.result(folder), megabytes() < 1) == (None, True)

            # a stop is heeded soon, and then the page is left alone
            page.goto(f"{url}/runs")
            main.get_by_role("button", name=re.compile("Stop")).click()
            pressed = monotonic()
            main.get_by_text(re.compile("Ladder: .* · stopped")).wait_for()
            assert monotonic() - pressed < 10
            page.wait_for_timeout(2000)
            assert frames() == 0
            expect(main.get_by_role("button", name=re.compile("Resume"))).to_be_visible()


def app_process() -> int:
    """The app that this test has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        words = (folder / "stat").read_text().rpartition(")")[2].split()
        if int(words[1]) == os.getpid() and b"streamlit" in (folder / "cmdline").read_bytes():
            return int(folder.name)
    raise AssertionError("the app does not run")


def read_so_far(process: int) -> float:
    """Megabytes that it has read from files."""
    found = re.search(r"rchar: (\d+)", Path(f"/proc/{process}/io").read_text())
    assert found, "Linux counts it"
    return int(found[1]) / 1e6
