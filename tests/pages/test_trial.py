import json

import pytest

from core.access import people, sessions
from core.evaluation import ladders, prompts, retrieving
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.jobs import jobs
from core.knowledge import indexes
from core.release import plans
from core.review import approvals
from core.store import database
from core.training import trials
from pages._ui import session
from tests import chain

TRIAL = "training/trial.py"


@pytest.fixture
def world(conn, mina):
    return chain.small(conn, session.settings(), mina, dev=4, train=8, gate=20, retain=10)


def said(app):
    return " ".join(one.value for one in app.markdown)


def test_with_nothing_approved_a_trial_cannot_start(page, world):
    app = page(TRIAL)
    assert "**0 approved samples**" in said(app)
    assert app.button(key="trial.start").disabled


def test_without_a_ladder_run_the_last_rung_is_to_beat(page, world):
    app = page(TRIAL)
    assert "**B · Sort\\.**: the last of the ladder, since none was run to its end" in said(app)


def test_the_best_rung_of_the_finished_ladder_is_to_beat(page, world):
    chain.climb(world, chain.shares(A=0.75, B=0.5))
    chain.other_model(world, "Newer")
    app = page(TRIAL)
    assert "**A · Answer\\.**: the best of the newest ladder, on Base" in said(app)
    assert app.selectbox(key="trial.base").value.name == "Base"  # and what it was run on is trained


def test_what_would_be_learned_is_counted_and_too_few_are_warned_of(page, world):
    chain.to_approval(world)
    app = page(TRIAL)
    assert "**8 approved samples**: 2 as they are, 6 corrected" in said(app)
    assert "8 rows. With fewer than 50 a trial rarely shows anything" in said(app)
    assert {"Mina", "Other languages"} <= set(app.dataframe[0].value["Value"])


def test_starting_freezes_the_set_and_queues_the_training(page, world):
    chain.climb(world, chain.shares(A=0.75, B=0.5))
    chain.to_approval(world)
    app = page(TRIAL)
    epochs = next(box for box in app.number_input if box.label == "Epochs")
    epochs.set_value(2)
    app.selectbox(key="trial.prompt").set_value("B")
    app.button(key="trial.start").click().run()
    (trial,) = trials.of_task(world.conn, world.task.task_id)
    assert (trial["row_count"], trial["baseline_rung"], trial["recipe"]["epochs"]) == (8, "A", 2)
    assert trial["prompt_id"] == dict(world.ladder.rungs)["B"].prompt_id
    row = database.row(world.conn, "select messages from training_rows limit 1")
    assert json.loads(row["messages"])[0]["content"] == "Sort."
    assert app.success[0].value.startswith("The trial has begun.")


def test_what_the_best_rung_looked_up_is_proposed_for_the_proof_and_told_with_the_trial(page, world, conn):
    common = {"by": world.by, "task_id": world.task.task_id}
    rungs = [*world.ladder.rungs, ("C", Prompt(name="C · passages", system="", template="{passages}\n{input}"))]
    ladder = prompts.save_ladder(conn, eval_set_name=world.eval_set.name, rungs=rungs, **common)
    for text in (b"Where the parcel is: here.", b"Where the parcel is: there."):
        indexes.add(conn, files=[("parcels.md", text)], **common)
    newer, older = indexes.versions(conn, world.task.task_id)
    retrieval = Retrieval(index_id=older.index_id, k=3)
    how = {"task": world.task, "eval_set": world.eval_set, "ladder": ladder, "model": world.base}
    ladders.start(conn, by=world.by, retrieval=retrieval, **how)
    chain.work(world, chain.shares(C=1.0))
    chain.to_approval(world)
    app = page(TRIAL)
    app.button(key="trial.start").click().run()
    (trial,) = trials.of_task(conn, world.task.task_id)
    assert (trial["baseline_rung"], retrieving.of_run(trial)) == ("C", retrieval)
    assert newer.index_id != older.index_id
    assert any("at most 3 passages of the knowledge base, version 1" in one.value for one in app.caption)


def test_before_the_start_a_probe_shows_the_cost_and_what_is_wrong(page, world):
    chain.to_approval(world)
    app = page(TRIAL)
    assert "**Enough rows** · 8 rows" in said(app)
    app.button(key="trial.check").click().run()
    (probe,) = [job for job in jobs.everything(world.conn) if job.kind == "probe"]
    chain.work(world)
    app = page(TRIAL)  # opened anew, by whomever: it is still known
    assert {one.label: one.value for one in app.metric} == {
        "Rows": "8",
        "Tokens": "1,234",
        "Expected time": "2 min",
        "Expected memory": "1.5 GB",
    }
    assert "**Nothing is cut** · 3 rows are too long" in said(app)
    assert app.button(key="trial.start").disabled  # that would be refused
    assert probe.spec["recipe"]["method"] == "sft"


def test_dpo_learns_from_the_corrections_only(page, world):
    chain.to_approval(world)
    app = page(TRIAL)
    app.segmented_control(key="trial.method").set_value("dpo").run()
    assert "**6 approved samples**: 0 as they are, 6 corrected" in said(app)
    app.button(key="trial.start").click().run()
    (trial,) = trials.of_task(world.conn, world.task.task_id)
    assert (trial["recipe"]["method"], trial["recipe"]["learning_rate"]) == ("dpo", 1e-5)
    assert database.row(world.conn, "select count(rejected) as n from training_rows")["n"] == 6


def test_the_learning_curve_is_one_button_one_sentence_and_samples_behind_its_points(page, conn, mina, monkeypatch):
    world = chain.small(conn, session.settings(), mina, dev=40, train=40, gate=6, retain=2)
    chain.to_approval(world)
    app = page(TRIAL)
    app.button(key="trial.curve").click().run()
    assert "The three trials have begun" in app.success[0].value
    chain.work(world, lambda run, place, count: place < 20)
    app.run()
    assert "More samples of this kind would not help" in app.success[0].value
    assert "0 points on 40 dev samples, at most +" in app.success[0].value.replace("\\", "")
    assert len(trials.of_task(world.conn, world.task.task_id)) == 1
    monkeypatch.setattr("pages._ui.charts.picked", lambda event: [{"rows": 20}])
    app.run()
    assert "**Learned from 20 approved samples:** the samples behind this point" in said(app)
    behind = next(table.value for table in app.dataframe if "Result" in table.value)
    assert list(behind["Result"]) == ["wrong"] * 20 + ["right"] * 20


def test_a_withdrawn_approval_is_not_learned(page, world):
    chain.to_approval(world)
    first = approvals.approved(world.conn, world.task.task_id)[0]["sample_id"]
    approvals.withdraw(world.conn, by=world.by, task_id=world.task.task_id, sample_id=first, reason="Outdated.")
    assert "**7 approved samples**" in said(page(TRIAL))


def test_a_finished_trial_shows_its_sentence_and_the_way_to_the_samples(page, world):
    trial_id = chain.to_the_proof(world, chain.shares(A=0.25, B=0.25, before=1.0, after=1.0))
    plans.open_without(world.conn, trial_id, by=world.by)
    app = page(TRIAL)
    assert not app.exception
    assert [one.value for one in [*app.success, *app.warning] if one.value.startswith("Better on 20 gate samples")]
    assert app.get("page_link")
    taken = [one.proto.id.split(f"{trial_id}.")[-1] for one in app.get("download_button")]
    curves = ("losses", "learning_rate", "grad_norm", "tokens_per_second")
    assert taken == [f"{curve}.{kind}.download" for curve in curves for kind in ("png", "svg", "csv")]


def test_who_may_not_train_cannot_start(page, world, monkeypatch):
    chain.to_approval(world)
    reader = people.create(
        world.conn, name="Noor", password="four other words here", roles_held=["manager"], by=world.by
    )
    token = sessions.start(world.conn, reader)
    monkeypatch.setattr(session, "_token", lambda: token)
    assert page(TRIAL).button(key="trial.start").disabled
