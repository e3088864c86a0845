"""An operator looks behind a chart's point, chooses a scorer after trying it, and holds a judge against people."""

import csv
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Page, expect

from core.access import people, sessions
from core.evaluation import current_scorers, models
from core.review import queues, ratings
from core.settings import Settings
from core.store import database
from tests import chain, openai_server
from tests.browser.conftest import running
from tests.core.judging import stub_judge


def test_a_point_shows_its_samples_a_scorer_is_tried_and_chosen_and_a_judge_is_calibrated(
    tmp_path: Path, page: Page
) -> None:
    settings = Settings(data=tmp_path / "data")
    opened = database.connect(settings)
    conn = opened.cursor()
    mina = people.create_first(conn, name="Mina", password="four plain words here")
    world = chain.small(conn, settings, mina, dev=60, train=2, gate=2, retain=2)
    chain.climb(world, chain.shares(A=0.25, B=0.5))
    # people judged every answer: the judge is right about all but the six that they saw otherwise
    run_ids = [row[0] for row in conn.execute("select run_id from runs order by rung").fetchall()]
    queue_id = queues.create(conn, by=mina, task_id=world.task.task_id, run_ids=run_ids)
    for number, item in enumerate(ratings.waiting(conn, queue_id, mina.person_id, 200)):
        right = (item.text == item.reference) != (number < 6)
        judged = ratings.Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass" if right else "fail")
        ratings.record(conn, judged, by=mina)

    with ExitStack() as stack:
        server = stack.enter_context(openai_server.serve(answer=stub_judge.reply))
        models.register_api(conn, by=mina, name="Judge", base_url=server.base_url, api_model="tiny")
        token = sessions.start(conn, mina)
        opened.close()
        url = stack.enter_context(running(settings.data)).rstrip("/")
        page.context.add_cookies([{"name": sessions.COOKIE, "value": token, "url": url}])
        page.set_default_timeout(60_000)
        main = page.get_by_test_id("stMain")

        page.goto(f"{url}/ladder")
        main.get_by_test_id("stVegaLiteChart").first.locator("[aria-roledescription=point]").nth(1).click()
        main.get_by_text("Correct with prompt B: the samples behind this point").wait_for()
        results = main.get_by_test_id("stDataFrame").first.locator("[role=gridcell][aria-colindex='1']")
        expect(results.first).to_have_text("wrong")
        main.get_by_test_id("stPopover").first.get_by_role("button").click()
        with page.expect_download() as taken:
            page.get_by_test_id("stDownloadButton").get_by_role("button", name="CSV").click()
        rows = list(csv.DictReader(taken.value.path().read_text("utf-8-sig").splitlines()))
        assert [(row["rung"], row["value"], row["n"]) for row in rows] == [("A", "0.25", "60"), ("B", "0.5", "60")]

        page.goto(f"{url}/runs")
        bars = main.get_by_test_id("stVegaLiteChart").first.locator("[aria-roledescription=bar]")
        bars.nth(1).click()
        main.get_by_text("Correct with prompt B: the samples behind this bar").wait_for()
        expect(main.get_by_test_id("stDataFrame").first.locator("[role=gridcell]").first).to_be_attached()

        page.goto(f"{url}/scorers")
        main.get_by_text("This is the scorer that counts now.").wait_for()
        main.get_by_label("An answer is judged by").click()
        page.get_by_role("option", name="Contains the reference").click()
        expect(main.get_by_text("This is the scorer that counts now.")).to_have_count(0)
        answer = main.get_by_label("Answer: change it and see")
        answer.fill("Sorry, it is late, I fear.")
        answer.press("Tab")
        main.locator("[role=gridcell]", has_text="right").first.wait_for(state="attached")
        main.get_by_role("button", name="Let this scorer count for the set").click()
        main.get_by_text("This is the scorer that counts now.").wait_for()

        page.goto(f"{url}/judges")
        for label, text in (
            ("Name", "Same label"),
            ("The one criterion", "The label is right."),
            ("It passes when", "It is the label of the reference."),
            ("It fails when", "It is another one."),
        ):
            main.get_by_label(label, exact=True).fill(text)
        main.get_by_role("button", name="Make this judge").click()
        main.get_by_role("button", name="Ask the judge").click()
        main.get_by_text("Calibrated on 60 samples that people rated.").wait_for(timeout=240_000)
        confusion = main.get_by_test_id("stDataFrame").first.locator("[role=gridcell]")
        expect(confusion.first).to_be_attached()
        shown = [text for text in confusion.all_text_contents() if text.isdigit()]

    opened = database.connect(settings)
    conn = opened.cursor()
    assert current_scorers.of_set(conn, world.eval_set).definition["method"] == "contains"
    query = """
        select count(*) filter (j.verdict = 'pass' and r.verdict = 'pass'),
            count(*) filter (j.verdict = 'fail' and r.verdict = 'pass'),
            count(*) filter (j.verdict = 'pass' and r.verdict = 'fail'),
            count(*) filter (j.verdict = 'fail' and r.verdict = 'fail')
        from judgements as j join latest_ratings as r using (answer_id)
    """
    counted = conn.execute(query).fetchone()
    opened.close()
    assert counted is not None
    assert sum(counted) == 60
    both, missed, slipped, neither = map(str, counted)
    assert shown == [both, missed, "0", slipped, neither, "0"]
