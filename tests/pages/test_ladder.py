import json
from functools import wraps

import pandas as pd
import pytest

from core.evaluation import ladders, results, runs
from core.review import queues
from pages._ui import charts, downloads, session
from tests import chain

PAGE = "diagnosis/ladder.py"


@pytest.fixture
def world(conn, mina):
    return chain.small(conn, session.settings(), mina, dev=40, train=6, gate=40, retain=0)


def said(app):
    return "\n".join(one.value for kind in (app.markdown, app.caption, app.info, app.success) for one in kind)


def test_a_rising_ladder_is_told_in_one_sentence_with_n_and_interval(page, world):
    chain.climb(world, chain.shares(A=0.2, B=0.7))
    app = page(PAGE)
    assert not app.exception
    assert app.info[0].value.startswith("### 20% → 70% on 40 samples: prompting still has headroom")
    assert not app.success, "nothing is green below the target"
    assert "Samples: 20 fixed, 0 broken, 20 unchanged." in said(app)
    assert "answers per sample K = 1" in said(app)
    assert app.code[0].value.splitlines() == ["- Answer.", "+ Sort."]


def test_what_was_worked_out_is_kept_until_something_changes(page, world, monkeypatch):
    chain.climb(world, chain.shares(A=0.2, B=0.7))
    judge, asked = results.judge_ladder, []
    monkeypatch.setattr(results, "judge_ladder", wraps(judge)(lambda *known: asked.append(1) or judge(*known)))
    first, once = said(page(PAGE)), len(asked)
    assert (said(page(PAGE)), len(asked)) == (first, once)
    chain.climb(world, chain.shares(A=0.2, B=0.2))
    assert "20% → 70%" not in said(page(PAGE)), "another climb is another state of the data"
    assert len(asked) == 2 * once


def test_before_all_answers_are_in_there_is_progress_and_no_verdict(page, world):
    chain.climb(world, chain.shares(A=0.2, B=0.7))
    runs.start_ladder(world.conn, by=world.by, eval_set=world.eval_set, ladder=world.ladder, model=world.base)
    app = page(PAGE)
    assert app.get("progress")[0].proto.text == "Answers in: 0 of 80"
    assert not app.info
    assert "nobody stops at a lucky moment" in said(app)


def test_before_the_first_run_the_plan_says_what_it_can_show_and_how_many_samples_are_missing(page, world):
    app = page(PAGE)
    assert "Nothing has been measured" in app.info[0].value
    assert "You need **118 more samples** than the 40 you have" in said(app)
    assert "Chance that this plan gives a yes" in said(app)


def test_the_winner_is_measured_on_the_locked_samples_at_the_press_of_a_button(page, world):
    chain.climb(world, chain.shares(A=0.2, B=0.7))
    page(PAGE).button(key="ladder.locked").click().run()
    chain.work(world, chain.shares(A=0.25, B=0.75))
    app = page(PAGE)
    assert "On 40 locked samples prompt B is right in 75%" in said(app)
    assert "Against prompt A: Better on 40 samples" in said(app)
    assert not [one for one in app.button if one.key == "ladder.locked"]


def test_examples_are_hidden_from_somebody_who_still_has_to_judge_them(page, world):
    job_id = chain.climb(world, chain.shares(A=0.2, B=0.7))
    queues.create(
        world.conn,
        by=world.by,
        task_id=world.task.task_id,
        run_ids=[run["run_id"] for run in runs.of_job(world.conn, job_id)],
    )
    app = page(PAGE)
    assert any("wait for your own judgement" in one.value for one in app.info)
    assert len(app.code) == 1, "the prompts' difference, and no answer"


def test_a_chart_can_be_taken_along_as_picture_and_its_numbers_are_no_formulas(world):
    chain.climb(world)
    (climb,) = ladders.of_set(world.conn, world.task.task_id, world.eval_set.name)
    table = ladders.table(world.conn, climb.runs)
    files = downloads.files(charts.curves(table, target=0.8), table.assign(rung="=1+1"))
    assert files["png"]().startswith(b"\x89PNG")
    assert files["svg"]().startswith("<svg")
    assert "'=1+1" in files["csv"]()


def test_the_plan_of_a_set_with_more_locked_samples_than_it_reckons_with_is_shown(page, world):
    world.conn.execute("""update eval_sets set counts = '{"dev": 40000, "gate": 70000}'""")
    app = page(PAGE)
    assert not app.exception
    assert "Chance that this plan gives a yes" in said(app)


def test_every_point_has_its_n_below_it_and_one_legend_tells_shape_and_colour():
    rows = [
        {"rung": rung, "metric": metric, "value": 0.5, "low": 0.4, "high": 0.6, "n": n}
        for rung, n in (("A", 48), ("B", 47))
        for metric in ("correct", "valid")
    ]
    drawn = charts.curves(pd.DataFrame(rows)).to_dict()
    points = next(layer for layer in drawn["layer"] if "shape" in layer["encoding"])["encoding"]
    assert all(f'["{rung}", "n={n}"]' in points["x"]["axis"]["labelExpr"] for rung, n in (("A", 48), ("B", 47)))
    # Vega makes one legend of two only where their scales have the same domain.
    assert points["shape"]["scale"]["domain"] == points["color"]["scale"]["domain"]
    assert points["shape"]["legend"] == points["color"]["legend"]
    forest = pd.DataFrame([{"label": "Base", "value": 1.0, "low": 0.9, "high": 1.0, "n": 48}])
    assert "100% (n=48)" in json.dumps(charts.forest(forest, target=None, title="Model").to_dict())
    change = [{"label": "A → B", "gain": 0.12, "low": -0.02, "high": 0.2, "n": 48}]
    assert "+12.0 (n=48)" in json.dumps(charts.paired(change).to_dict())
