import json

import pytest

from core.jobs import folder as job_folder
from core.jobs import jobs, supervisor
from core.release import plans
from core.training import recipes, training_sets, trials
from pages._ui import session
from tests import chain

TRAINED = "training/trained.py"


@pytest.fixture
def world(conn, mina):
    world = chain.small(conn, session.settings(), mina, dev=4, train=8, gate=20, retain=10)
    chain.to_the_proof(world, chain.shares(before=0.5, after=0.9))
    return world


def said(app):
    return " ".join(one.value for one in [*app.markdown, *app.success])


def test_without_a_model_the_page_leads_to_the_trial(page, mina, conn):
    chain.small(conn, session.settings(), mina)
    app = page(TRAINED)
    assert app.info[0].value == "No trial of this task has made a model yet."


def test_the_card_shows_data_curve_and_where_to_use_it(page, world):
    app = page(TRAINED)
    assert not app.exception
    assert "Tuned from **Base** on 8 approved samples, begun by Mina" in said(app)
    assert {one.label: one.value for one in app.metric} == {
        "As they are": "2",
        "Corrected": "6",
        "Teacher-made": "0",
        "Minutes": "–",
        "Peak memory": "–",
    }
    assert any(code.value.startswith("vllm serve") for code in app.code)
    shown = json.loads(app.json[0].value)
    assert shown["base"]["name"] == "Base"
    assert "data" not in shown


def test_one_press_trains_again_with_another_seed_and_nothing_else_changed(page, world):
    (first,) = trials.of_task(world.conn, world.task.task_id)
    page(TRAINED).button(key=f"again.{first['model_id']}").click().run()
    second, _ = trials.of_task(world.conn, world.task.task_id)
    assert second["recipe"] == {**first["recipe"], "seed": first["recipe"]["seed"] + 1}
    made_of = ("training_set_id", "base_model_id", "prompt_id", "baseline_prompt_id", "eval_set_id", "start_model_id")
    assert {name: second[name] for name in made_of} == {name: first[name] for name in made_of}
    assert [one.state for one in jobs.everything(world.conn) if one.job_id == second["job_id"]] == ["queued"]


def test_merging_shows_how_many_answers_agree_and_the_folder(page, world):
    (trial,) = trials.of_task(world.conn, world.task.task_id)
    app = page(TRAINED)
    app.button(key=f"files.{trial['model_id']}.merge").click().run()
    (job,) = [one for one in jobs.everything(world.conn) if one.kind == "export"]
    supervisor.step(world.settings, world.conn, Merger())
    supervisor.step(world.settings, world.conn, Merger())
    app.run()
    assert "Merged: 7 of 8 answers are the same" in said(app)
    assert any("ollama create" in code.value for code in app.code)
    assert job.spec["into"].endswith(trial["model_id"])


class Merger:
    """A launcher whose worker has merged before it returns."""

    def launch(self, folder):
        job_folder.finish(folder, "done", merged=job_folder.spec(folder)["into"], files={}, checked=8, same=7)

    def kill(self, folder):
        raise AssertionError("Nothing runs.")


def test_two_trials_stand_side_by_side_with_what_differs(page, world):
    (first,) = trials.of_task(world.conn, world.task.task_id)
    recipe = recipes.Recipe(**{**first["recipe"], "seed": 7, "quantized": True})
    world.conn.execute("update trials set recipe = ?", [json.dumps({"epochs": 2})])  # as an older version kept it
    frozen = training_sets.find(world.conn, first["training_set_id"])
    trials.start(world.conn, by=world.by, eval_set=world.eval_set, training_set=frozen, base=world.base,
                 baseline=world.ladder.rungs[1], recipe=recipe)  # fmt: skip
    chain.work(world, chain.shares(before=0.5, after=0.6))
    for trial in trials.of_task(world.conn, world.task.task_id):
        plans.open_without(world.conn, trial["trial_id"], by=world.by)
    app = page(TRAINED)
    assert not app.exception
    table = app.dataframe[-1].value
    assert len(table) == 2
    assert {"Change on gate", "Change on retain"} <= set(table.columns)
    assert table["Change on gate"].str.contains(r"n=20").all()
    assert list(table.columns)[:4] == ["Model", "Rows", "Change on gate", "Change on retain"]
    assert (list(table["4-bit weights"]), list(table["Seed"])) == (["yes", "–"], ["7", "–"])  # as the form says it
