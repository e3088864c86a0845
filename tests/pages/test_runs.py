import json

import pytest

from core.evaluation import answers, eval_sets, matrices, models, prompts, runs, terms
from core.evaluation.demo_task import TRIAGE
from core.evaluation.prompts import Prompt
from core.jobs import jobs
from core.knowledge import indexes
from core.review import queues, ratings


@pytest.fixture
def model(conn, mina):
    return models.register_api(conn, by=mina, name="Some", base_url="http://127.0.0.1:9/v1", api_model="some")


@pytest.fixture
def ladder(page, task, conn, model):
    """A ladder started on the page, by its runs."""
    app = page("evaluation/runs.py")
    app.button(key="runs.start").click().run()
    assert not app.exception
    return runs.latest_ladder(conn, task, TRIAGE)


def answer(conn, run, *, right, failure=None):
    """The first `right` samples get their reference, the others a wrong answer; or all get the failure."""
    samples = eval_sets.samples(conn, run["eval_set_id"], run["split"])
    rows = [
        {"run_id": run["run_id"], "sample_id": sample.sample_id, "repeat": 0, "failure": failure}
        | {"text": None if failure else sample.reference if place < right else '{"intent": "none"}'}
        for place, sample in enumerate(samples)
    ]
    return answers.keep(conn, run["job_id"], rows)


def test_running_the_ladder_queues_one_job_with_a_run_per_rung_and_not_a_second_one(page, task, conn, ladder):
    assert [(run["rung"], run["split"]) for run in ladder] == [(rung, "dev") for rung in "ABCD"]
    assert len({run["job_id"] for run in ladder}) == 1
    assert page("evaluation/runs.py").button(key="runs.start").disabled


def test_without_a_model_the_ladder_cannot_be_started_and_the_page_says_why(page, task):
    app = page("evaluation/runs.py")
    assert app.button(key="runs.start").disabled
    assert any("A model is missing" in caption.value for caption in app.caption)


def test_nothing_is_shown_before_the_first_answer(page, task, ladder):
    app = page("evaluation/runs.py")
    assert not app.dataframe
    assert not app.subheader


def test_results_show_rate_interval_n_and_failed_calls_apart_from_wrong_answers(page, task, conn, ladder):
    n = ladder[0]["planned"]
    for run, right in zip(ladder[:3], (0, n // 2, n), strict=True):
        answer(conn, run, right=right)
    answer(conn, ladder[3], right=0, failure="The server did not answer.")
    app = page("evaluation/runs.py")
    assert not app.exception
    table = app.dataframe[0].value.set_index("Prompt")
    assert list(table["Samples (n)"]) == [n, n, n, 0]
    assert n % 2 == 0
    assert table["Correct"]["B"].startswith("50% (")
    assert table["Correct"]["C"].startswith("100% (")
    assert list(table["Failed calls"]) == [0, 0, 0, n]
    assert "Not enough evidence" in app.info[0].value
    reasons = app.dataframe[1].value
    assert reasons.to_dict("records") == [{"Prompt": "D", "Calls": n, "Reason": "The server did not answer."}]


def test_answers_with_their_prompt_are_hidden_from_somebody_who_still_has_to_judge_them(page, task, conn, mina, ladder):
    for run in ladder:
        answer(conn, run, right=10)
    assert page("evaluation/runs.py").button_group(key="results.rung.4").value is not None
    queue = queues.create(conn, by=mina, task_id=task, run_ids=[run["run_id"] for run in ladder], limit=1)
    app = page("evaluation/runs.py")
    assert "results.rung.4" not in {group.key for group in app.button_group}
    (item,) = ratings.waiting(conn, queue, mina.person_id)
    ratings.record(conn, ratings.Rating(queue_id=queue, answer_id=item.answer_id, verdict="pass"), by=mina)
    assert page("evaluation/runs.py").button_group(key="results.rung.4").value is not None


def test_answers_to_training_samples_are_collected_and_put_into_the_rating_queue(page, task, conn, mina, model):
    app = page("evaluation/runs.py")
    app.button_group(key="runs.view").set_value("review").run()
    app.button(key="runs.collect").click().run()
    run = runs.latest(conn, task, "collect")
    assert (run["split"], run["rung"]) == ("train", "A")
    answer(conn, run, right=5)
    app.run()
    assert app.button(key="runs.queue").disabled, "more answers may come while the job is open"
    jobs.set_state(conn, run["job_id"], "done")
    app.run()
    app.number_input(key=f"runs.queue_size.collect.{run['planned']}").set_value(7).run()
    app.button(key="runs.queue").click().run()
    assert [(one["split"], one["total"]) for one in queues.of_task(conn, task, mina.person_id)] == [("train", 7)]


def test_a_matrix_says_what_it_will_take_and_starts_with_what_was_chosen(page, task, conn, mina, model):
    other = models.register_api(conn, by=mina, name="Other", base_url="http://127.0.0.1:9/v1", api_model="other")
    app = page("evaluation/runs.py")
    app.button_group(key="runs.view").set_value("matrix").run()
    assert not app.exception
    app.multiselect(key="matrix.models.2").set_value([model.model_id, other.model_id]).run()
    assert any("cost not known" in caption.value for caption in app.caption)
    app.number_input(key="matrix.repeats").set_value(2).run()
    app.number_input(key="matrix.longest").set_value(77).run()
    app.button(key="matrix.start").click().run()
    assert not app.exception
    (job_id,) = matrices.jobs_of(conn, task)
    found = runs.measured(conn, job_id)
    assert [(run["model_name"], run["rung"], run["repeats"]) for run in found] == [
        (name, rung, 2) for name in ("Other", "Some") for rung in "ABCD"
    ]
    failure = {"failure": "x", "failure_code": "rate_limit", "failure_values": {"host": "h"}}
    answer(conn, found[0], right=10)
    conn.execute("update answers set cut = text like '%none%'")
    sample = eval_sets.samples(conn, found[1]["eval_set_id"], "dev")[0]
    row = {"run_id": found[1]["run_id"], "sample_id": sample.sample_id, "repeat": 0, "text": None}
    answers.keep(conn, job_id, [row | failure])
    jobs.set_state(conn, job_id, "done")
    app.run()
    assert not app.exception
    reasons = [frame.value for frame in app.dataframe if "Reason" in frame.value.columns]
    assert "too many calls (429)" in reasons[0]["Reason"][0]
    asked = found[0]["planned"] // 2  # once of two times, and one failed call
    assert f"{asked - 10} of {asked + 1} answers ended at the limit of 77 tokens" in app.warning[0].value
    app.button(key=f"results.retry.{job_id}").click().run()
    assert jobs.find(conn, job_id).state == "queued"


def test_ladder_and_collecting_say_what_they_will_cost_and_keep_to_a_cap(page, task, conn, mina, model):
    app = page("evaluation/runs.py")
    app.number_input(key="runs.cap").set_value(2.0)
    app.button(key="runs.start").click().run()
    assert "A cap needs the price of every model" in app.error[0].value
    priced = terms.Terms(price_prompt=1.0, price_completion=2.0)
    terms.agree(conn, by=mina, model_id=model.model_id, terms=priced)
    app.number_input(key="runs.longest").set_value(33).run()
    assert any("USD" in caption.value for caption in app.caption)
    app.button(key="runs.start").click().run()
    app.button_group(key="runs.view").set_value("review").run()
    app.number_input(key="runs.collect.cap").set_value(3.0).run()
    assert any("USD" in caption.value for caption in app.caption)
    app.button(key="runs.collect").click().run()
    assert not app.exception
    started = {job.job_id: job.spec["cap"] for job in jobs.everything(conn)}
    assert sorted(started.values()) == [2.0, 3.0]
    longest = {
        started[job_id]: {json.loads(run["decoding"])["max_new_tokens"] for run in runs.of_job(conn, job_id)}
        for job_id in started
    }
    assert longest[2.0] == {33} != longest[3.0]


def test_a_cap_without_prices_is_refused_with_a_sentence(page, task, conn, model):
    app = page("evaluation/runs.py")
    app.button_group(key="runs.view").set_value("matrix").run()
    app.number_input(key="matrix.cap").set_value(1.0).run()
    app.button(key="matrix.start").click().run()
    assert "A cap needs the price of every model" in app.error[0].value
    assert matrices.jobs_of(conn, task) == []


def test_matrix_ladder_and_collecting_look_passages_up_where_a_prompt_has_a_place(page, task, conn, mina, model):
    chosen = eval_sets.of_task(conn, task)[0]
    rungs = prompts.ladder(conn, task, chosen.name).rungs
    slot = Prompt(name="With passages", system="", template="{passages}\n{input}")
    prompts.save_ladder(conn, by=mina, task_id=task, eval_set_name=chosen.name, rungs=[rungs[0], ("B", slot)])
    app = page("evaluation/runs.py")
    app.button_group(key="runs.view").set_value("matrix").run()
    indexes.add(conn, by=mina, task_id=task, files=[("more.txt", b"More words.")])
    version, earlier = indexes.versions(conn, task)
    app.run()
    app.selectbox(key="matrix.index.2").set_value(version.number).run()
    assert "has no place for passages" in app.error[0].value
    app.multiselect[0].set_value(["B"]).run()
    app.checkbox(key="matrix.both").check().run()
    app.multiselect(key=f"matrix.beside.{version.index_id}").set_value([earlier.index_id]).run()
    assert not app.error
    app.button(key="matrix.start").click().run()
    assert not app.exception
    found = runs.of_job(conn, matrices.jobs_of(conn, task)[0])
    assert {(run["index_id"], run["k"]) for run in found} == {
        (None, None),
        (version.index_id, 4),
        (earlier.index_id, 4),
    }

    app.button_group(key="runs.view").set_value("ladder").run()
    app.number_input(key="runs.k.2").set_value(2).run()  # the newest version is proposed
    app.button(key="runs.start").click().run()
    assert [(run["rung"], run["k"]) for run in runs.latest_ladder(conn, task, chosen.name)] == [("A", None), ("B", 2)]
    app.button_group(key="runs.view").set_value("review").run()
    assert "runs.collect.k.2" not in [one.key for one in app.number_input]
    next(one for one in app.selectbox if one.key.startswith("runs.rung.")).set_value("B").run()
    app.button(key="runs.collect").click().run()
    assert not app.exception
    collected = runs.latest(conn, task, "collect")
    assert (collected["index_id"], collected["k"]) == (version.index_id, 4)
