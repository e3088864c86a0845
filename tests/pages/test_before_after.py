import json

import pandas as pd
import pytest
import vl_convert

from core.jobs import jobs, supervisor
from core.release import plans, proofs
from pages._ui import charts, session
from tests import chain

PAGE = "release/before_after.py"
PASSES = chain.shares(A=0.25, B=0.25, before=1.0, after=1.0)


@pytest.fixture
def world(conn, mina):
    world = chain.small(conn, session.settings(), mina, dev=4, train=6, gate=40, retain=60)
    chain.climb(world)
    chain.to_approval(world)
    return world


def look(world, trial_id):
    """As somebody who wants to see the results without signing anything off."""
    plans.open_without(world.conn, trial_id, by=world.by)
    return trial_id


def test_a_proof_that_passes_is_green_and_says_so_in_one_sentence(page, world):
    look(world, chain.train(world, PASSES))
    app = page(PAGE)
    assert not app.exception
    assert app.success[0].value.startswith("### Better on 40 gate samples: \\+75 points")
    assert not app.warning


def test_an_interval_that_crosses_zero_is_never_green(page, world):
    def right(run, place, count):
        """Three samples become right, three wrong, the others stay."""
        return (place < 3) == (run["side"] == "after") if place < 6 else place % 2 == 0

    trial_id = look(world, chain.train(world, right))
    paired = proofs.report(world.conn, trial_id).gate.paired
    assert paired.low < 0 < paired.high
    app = page(PAGE)
    assert not app.success
    assert app.warning[0].value.startswith("### ")


def test_while_answers_are_missing_only_their_number_is_shown(page, world):
    trial_id = chain.train(world, finish=False)
    assert "not trained yet" in page(PAGE).info[0].value
    script = chain.Scripted(world.conn, PASSES)
    while not proofs.runs_of(world.conn, trial_id):
        supervisor.step(world.settings, world.conn, script)
    jobs.stop(world.conn, world.settings, proofs.runs_of(world.conn, trial_id)[0]["job_id"], by=world.by)
    app = page(PAGE)
    assert app.get("progress")[0].proto.text == "Answers in: 0 of 204"  # 2 x 40 gate, 2 x 60 retain, 4 dev
    assert [*app.success, *app.warning, *app.code, *app.dataframe] == []


def test_the_samples_behind_each_change_are_shown_newly_broken_first(page, world, monkeypatch):
    look(world, chain.train(world, chain.shares(B=0.5, after=0.9, before=1.0)))
    app = page(PAGE)
    change = next(one for one in app.segmented_control if one.key.startswith("before_after.change.gate"))
    assert list(change.options) == ["newly broken: 4", "fixed: 20", "unchanged: 16"]
    assert change.value == "broken"
    shown = [code.value for code in app.code]
    assert len(shown) == 4 * 4
    asked, reference, before, after = shown[:4]
    assert asked.startswith("Where is ")
    assert (before, after) == (reference, "I am not sure.")
    assert "1 of the newly broken samples are critical" in app.warning[-1].value

    # a click on a bar, and one on the change of another measure
    clicked = {"version": "After: Base · v1", "metric": "correct", "label": "gate · Correct"}
    monkeypatch.setattr("pages._ui.charts.picked", lambda event: [clicked])
    app = page(PAGE)
    assert not app.exception
    assert list(app.dataframe[0].value["Result"]) == ["wrong"] * 4 + ["right"] * 36
    assert len(app.code) == 2 * 3 * 4 + 4 * 4, "three fixed and three broken samples, above the list of all broken ones"


def test_every_rung_is_in_the_table_with_interval_and_n(page, world):
    look(world, chain.train(world, PASSES))
    table = page(PAGE).dataframe[0].value
    assert list(table["Version"]) == ["Rung A: Base", "Before: Rung B: Base", "After: Base · v1"]
    # Wilson's interval for 1 of 4 is 4.6% to 69.9%.
    assert table["Correct"][1] == "25% (5% – 70%), n=4"


def test_long_names_of_versions_are_written_in_lines():
    """Twenty-six Latin letters, or thirteen Chinese ones, at a space, a hyphen or between Chinese letters."""
    names = {"After: SmolLM2-135M-Instruct": ["After: SmolLM2-135M-", "Instruct"],
             "微调后：在最简提示词下的一个名字很长的模型": ["微调后：在最简提示词下的一", "个名字很长的模型"],
             "gate": ["gate"]}  # fmt: skip
    said = charts.in_lines(names)
    assert said == f"({json.dumps(names)})[datum.label] || datum.label"
    rows = [{"label": name, "value": 0.5, "low": 0.4, "high": 0.6, "n": 9} for name in names]
    chart = charts.forest(pd.DataFrame(rows), target=None, title="Model")
    drawn = vl_convert.vegalite_to_svg(chart.to_json())
    assert ">After: SmolLM2-135M-</tspan>" in drawn
    assert ">个名字很长的模型</tspan>" in drawn


def test_failed_calls_are_told_apart(page, world):
    look(world, chain.train(world, lambda run, place, count: None if place == 1 else PASSES(run, place, count)))
    assert any(one.value.startswith("5 calls failed") for one in page(PAGE).warning)


def test_without_a_trial_the_page_says_where_to_start_one(page, world):
    assert page(PAGE).info[0].value == (
        "There is no trial yet. Start one under Training, Trial fine-tune, or put up a prompt or another model under "
        "Release, Before and after."
    )
