import pytest

from core.evaluation import answers, models, runs
from core.evaluation.demo_task import TRIAGE
from core.jobs import jobs
from core.review import queues
from pages._ui import session


def next_label(app):
    (link,) = [link for link in app.get("page_link") if "**" in link.proto.label]
    return link.proto.label.strip("*")


@pytest.fixture
def model(conn, mina):
    return models.register_api(conn, by=mina, name="Some", base_url="http://127.0.0.1:9/v1", api_model="some")


def test_a_fresh_task_says_first_that_a_model_is_needed_then_that_the_ladder_is_next(page, task, conn, mina):
    assert next_label(page("home/overview.py")) == "Next: add a model"
    models.register_api(conn, by=mina, name="Some", base_url="http://127.0.0.1:9/v1", api_model="some")
    assert next_label(page("home/overview.py")) == "Next: run the ladder"


def test_a_running_job_is_shown_with_its_state_and_the_name_of_a_shipped_set_in_the_readers_language(
    page, task, conn, model, monkeypatch
):
    page("evaluation/runs.py").button(key="runs.start").click().run()
    app = page("home/overview.py")
    assert any("waiting" in text.value and "Ladder" in text.value for text in app.markdown)
    assert next_label(app) == "See how far the ladder is"
    (job,) = jobs.everything(conn, task)
    monkeypatch.setattr(session, "language", lambda: "zh")
    assert session.plain(job.title, **job.values).startswith("阶梯：银行卡留言分拣，")


def test_answers_that_wait_for_me_are_counted(page, task, conn, mina, model):
    page("evaluation/runs.py").button(key="runs.start").click().run()
    run = runs.latest_ladder(conn, task, TRIAGE)[0]
    sample = conn.execute("select sample_id from samples where split = 'dev' limit 1").fetchone()[0]
    row = {"run_id": run["run_id"], "sample_id": sample, "repeat": 0, "text": "x", "failure": None}
    answers.keep(conn, run["job_id"], [row])
    queues.create(conn, by=mina, task_id=task, run_ids=[run["run_id"]])
    labels = [link.proto.label for link in page("home/overview.py").get("page_link")]
    assert "1 answers to rate" in labels
