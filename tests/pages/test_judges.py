"""Making a judge, asking it about a run, and seeing what its numbers are worth."""

import re

import pytest

from core.evaluation import models
from core.judging import judges, judgings
from core.judging.criteria import Judge
from core.review import queues
from core.settings import Settings
from pages._ui import session
from tests import chain, openai_server
from tests.core.judging import test_judgings

PAGE = "diagnosis/judges.py"


@pytest.fixture
def world(conn, mina):
    settings = Settings(data=session.settings().data)
    world = chain.small(conn, settings, mina, dev=12, train=6, gate=6, retain=6)
    chain.climb(world)
    return world


def test_a_judge_is_made_asked_and_shown_as_not_calibrated(page, conn, world):
    with openai_server.serve(answer=test_judgings.strict) as server:
        models.register_api(conn, by=world.by, name="Judge", base_url=server.base_url, api_model="tiny")
        app = page(PAGE)
        app.text_input(key="judges.new.0.name").set_value("Same label")
        app.text_area(key="judges.new.0.criterion").set_value("The label is right.")
        app.text_area(key="judges.new.0.passes").set_value("It is the label of the reference.")
        app.text_area(key="judges.new.0.fails").set_value("It is another one.")
        app.button(key="judges.new.0.save").click().run()
        assert not app.exception
        [judge] = judges.of_task(conn, world.task.task_id)
        app.button(key="judges.start").click().run()
        assert not app.exception
        test_judgings.finish(world)
    [judging] = judgings.of_judge(conn, judge.judge_id)
    test_judgings.labels(world, wrong=3, run_id=judging["run_id"])
    app = page(PAGE)
    assert not app.exception
    assert app.warning[0].value.startswith("Not calibrated: needs 38 more samples")
    confusion = app.dataframe[0].value
    assert confusion[["Judge: pass", "Judge: fail"]].to_numpy().sum() == 12
    assert "Judge failed" in confusion.columns
    metrics = app.dataframe[1].value.set_index("Metric")["Value"]
    assert re.fullmatch(r"-?\d\.\d\d \(.+–.+\), n=12", metrics["Alpha, judge and people"])
    assert list(app.dataframe[2].value["Who"]) == ["Judge", "People"]
    app.toggle(key=f"judges.show.{judging['judging_id']}").set_value(True).run()
    assert not app.exception
    assert list(app.dataframe[-1].value["Why"]) == ["Because."] * 12


def test_a_calibrated_judges_share_is_shown_as_what_people_would_probably_pass(page, conn, mina):
    settings = Settings(data=session.settings().data)
    world = chain.small(conn, settings, mina, dev=102, train=1, gate=1, retain=1)
    chain.climb(world, chain.shares(A=0.5))
    judge = Judge(name="J", criterion="Right?", passes="It is.", fails="It is not.", model_id=world.base.model_id)
    judge = judges.save(conn, by=world.by, task_id=world.task.task_id, judge=judge)
    run_id = test_judgings.rungs(world)[0]
    judgings.start(conn, by=world.by, judge=judge, run_id=run_id)
    [asked] = judgings.of_judge(conn, judge.judge_id)
    right = {item["judgement_id"] for item in judgings._items(conn, asked) if item["texts"] == [item["reference"]]}
    _, items = judgings.inputs(conn, asked["judging_id"])
    said = {"rationale": "", "failure": None, "reply": "", "repaired": False}
    rows = [{**said, "judgement_id": one["judgement_id"], "verdict": "pass" if one["judgement_id"] in right else "fail"}
            for one in items]  # fmt: skip
    assert judgings.keep(conn, asked["judging_id"], rows) == 102
    test_judgings.labels(world, wrong=4, run_id=run_id)
    app = page(PAGE)
    assert not app.exception
    assert [one.value for one in app.success] == ["Calibrated on 100 samples that people rated."]
    assert not [one for one in app.warning if one.value.startswith("Not calibrated")]
    metrics = app.dataframe[1].value.set_index("Metric")["Value"]
    assert metrics["Agrees with people"].startswith("96% (")
    shown = " ".join(one.value for one in app.markdown)
    assert re.search(r"People would probably pass \d+% of these samples, 95% interval \d+% to \d+%", shown)
    assert "corrected by its errors on the 100 samples that people rated" in shown
    captions = [one.value for one in app.caption]
    assert "Counts of the judge's verdicts, not of right answers." in captions


def test_verdicts_are_hidden_from_somebody_who_still_has_to_judge_blind(page, conn, world):
    with openai_server.serve(answer=test_judgings.strict) as server:
        judge = test_judgings.of(world, server)
        judgings.start(conn, by=world.by, judge=judge, run_id=test_judgings.rungs(world)[0])
        test_judgings.finish(world)
    queues.create(conn, by=world.by, task_id=world.task.task_id, run_ids=test_judgings.rungs(world)[:1])
    app = page(PAGE)
    assert not app.toggle
    assert any("wait for your own judgement" in info.value for info in app.info)


def test_a_judge_without_a_criterion_is_refused_with_a_sentence(page, conn, world):
    app = page(PAGE)
    app.text_input(key="judges.new.0.name").set_value("Empty")
    app.button(key="judges.new.0.save").click().run()
    assert not app.exception
    assert app.error[0].value.startswith("A judge needs one criterion")
    assert judges.of_task(conn, world.task.task_id) == []
