import pytest

from core.evaluation import runs
from core.release import plans
from core.training import distillations, training_sets, trials
from pages._ui import session
from tests import chain

DISTIL = "training/distil.py"


@pytest.fixture
def world(conn, mina):
    return chain.small(conn, session.settings(), mina, dev=2, train=8, gate=20, retain=4)


def said(app):
    return " ".join(one.value for one in [*app.markdown, *app.caption, *app.success, *app.warning, *app.info])


def test_from_the_question_to_the_share_of_the_gap(page, world, monkeypatch):
    chain.other_model(world, "Big")
    app = page(DISTIL)
    app.button(key="distil.start").click().run()
    assert "under which terms" in app.error[0].value
    assert "24 answers" in said(app)  # three candidates for each of eight samples, before anything is asked
    app.text_input(key="distil.licence").set_value("Apache-2.0")
    app.button(key="distil.start").click().run()
    assert "The teacher is at work" in said(app)

    chain.work(world, lambda run, place, count: place < 6)
    app.run()
    (batch,) = distillations.of_task(world.conn, world.task.task_id)
    assert (batch["teacher"], batch["repeats"]) == ("Big", 3)
    app.button(key=f"distil.draw.{batch['distillation_id']}").click().run()
    assert "**6 of 8** samples; to 2 no candidate was right" in said(app)
    assert "drawn answers are judged" not in said(app)  # that is the bar's own text
    assert not [button for button in app.button if button.label == "Approve the batch"]

    batch = distillations.find(world.conn, batch["distillation_id"])
    chain.rate(world, batch["queue_id"])
    app.run()
    assert "100% pass" in said(app)
    assert "95% interval" in said(app)
    app.button(key=f"distil.yes.{batch['distillation_id']}").click().run()
    assert "6 samples are approved, with the teacher's name on each" in said(app)
    assert "6 made by a teacher" in " ".join(one.value for one in page("training/trial.py").markdown)

    trial_id = chain.train(world, chain.shares(B=0.2, after=0.9))
    app = page(DISTIL)
    assert "own result on the gate samples comes first" in said(app)
    plans.open_without(world.conn, trial_id, by=world.by)
    app.run()
    next(button for button in app.button if button.label == "Ask the teacher the gate samples").click().run()
    chain.work(world, lambda run, place, count: True)
    app.run()
    assert "The student closes 88% of the gap to the teacher on 20 samples" in said(app)
    assert app.get("vega_lite_chart")
    monkeypatch.setattr("pages._ui.charts.picked", lambda event: [{"label": "Teacher: Big"}])
    app.run()
    assert list(app.dataframe[-1].value["Result"]) == ["right"] * 20
    (trial,) = trials.of_task(world.conn, world.task.task_id)
    made_of = training_sets.find(world.conn, trial["training_set_id"])
    assert made_of.composition["teachers"] == [{"teacher": "Big", "licence": "Apache-2.0", "rows": 6}]
    assert runs.latest(world.conn, world.task.task_id, "matrix")["split"] == "train"
