"""Answers are taken in once, mended in a later round, and copied instead of paid for twice."""

import json
from dataclasses import replace

import pytest

from core.errors import Refusal
from core.evaluation import answers, asking, decodings, models, runs, terms
from core.evaluation.terms import Terms
from core.generation.base import Decoding
from core.generation.failures import Failure
from core.jobs import folder as job_folder
from core.jobs import jobs, supervisor
from tests import chain


@pytest.fixture
def world(conn, settings, mina):
    return chain.small(conn, settings, mina)


def failing(world, row):
    """The row as the worker writes it after the call had failed."""
    failure = Failure(code="timeout", values={"host": "h", "seconds": "60"})
    told = {"failure": str(failure), "failure_code": failure.code, "failure_values": dict(failure.values)}
    return {**row, "text": None, **told}


def started(world, **how):
    what = {"eval_set": world.eval_set, "ladder": world.ladder, "model": world.base}
    return runs.start_ladder(world.conn, by=world.by, **what, **how)


def rows_of(world, job_id):
    return chain.Scripted(world.conn, chain.MIDDLING).answers(job_id)


def test_a_failure_is_kept_as_a_code_with_its_values_and_counted_by_reason(world):
    job_id = started(world)
    rows = [failing(world, row) for row in rows_of(world, job_id)]
    answers.keep(world.conn, job_id, rows)
    found = answers.failures(world.conn, [run["run_id"] for run in runs.of_job(world.conn, job_id)])
    counted = [(row["rung"], row["count"], row["failure_code"]) for row in found]
    assert counted == [("A", 8, "timeout"), ("B", 8, "timeout")]
    assert json.loads(found[0]["failure_values"]) == {"host": "h", "seconds": "60"}
    assert world.conn.execute("select count(*) from scores").fetchone() == (0,)


def test_failed_calls_are_repeated_and_the_old_rows_stay_until_new_ones_are_in(world):
    job_id = started(world)
    rows = rows_of(world, job_id)
    answers.keep(world.conn, job_id, [failing(world, rows[0]), failing(world, rows[1]), *rows[2:]])
    jobs.set_state(world.conn, job_id, "done")
    assert runs.retry_failed(world.conn, world.settings, job_id, by=world.by) == 2
    _, items = asking.inputs(world.conn, world.settings, job_id)
    assert [(item["sample_id"], item["round"]) for item in items] == [(row["sample_id"], 1) for row in rows[:2]]
    assert answers.failed(world.conn, job_id) == 2
    assert answers.keep(world.conn, job_id, rows[:2]) == 0, "a row of the first round mends nothing"
    assert answers.keep(world.conn, job_id, [{**rows[0], "round": 1}, {**failing(world, rows[1]), "round": 1}]) == 2
    assert answers.failed(world.conn, job_id) == 1
    assert world.conn.execute("select count(*), count(distinct answer_id) from answers").fetchone() == (16, 16)
    mended = world.conn.execute("select text, failure, round from answers where answer_id = ?", [
        answers.answer_id(rows[0]["run_id"], rows[0]["sample_id"], 0)]).fetchone()  # fmt: skip
    assert mended == (rows[0]["text"], None, 1)
    _, items = asking.inputs(world.conn, world.settings, job_id)
    assert items == [], "what failed in this round is not asked a third time by a resume"


def test_nothing_is_repeated_while_the_job_is_at_work_or_when_nothing_failed(world):
    job_id = started(world)
    answers.keep(world.conn, job_id, [failing(world, row) for row in rows_of(world, job_id)])
    with pytest.raises(Refusal, match="still at work"):
        runs.retry_failed(world.conn, world.settings, job_id, by=world.by)
    jobs.set_state(world.conn, job_id, "done")
    world.conn.execute("update answers set failure = null, text = 'x'")
    with pytest.raises(Refusal, match="no failed call"):
        runs.retry_failed(world.conn, world.settings, job_id, by=world.by)


def finish(world, job_id, **of_rows):
    """Let the job run with a worker that echoes the items' content keys, and return what it was asked."""
    asked = []

    class Echoing(chain.Scripted):
        def launch(self, folder):
            items = list(job_folder.read_lines(folder / "items.jsonl"))
            asked.extend(items)
            told = {"text": "late", "failure": None, "prompt_tokens": 1000, "completion_tokens": 10, "latency_s": 0.5}
            job_folder.add_shard(folder, [{**item, **told} for item in items])
            job_folder.finish(folder, "done")

    while supervisor.step(world.settings, world.conn, Echoing(world.conn, chain.MIDDLING)):
        pass
    assert jobs.find(world.conn, job_id).state == "done"
    return asked


def test_the_same_question_is_copied_and_scored_and_not_asked_again(world):
    assert len(finish(world, started(world))) == 16
    second = started(world)
    assert finish(world, second) == []
    query = "select count(*), count(copied_from), count(text) from answers join runs using (run_id) where job_id = ?"
    assert world.conn.execute(query, [second]).fetchone() == (16, 16, 16)
    scored = world.conn.execute("select count(*) from scores").fetchone()
    assert scored == (32,)


def test_another_repeat_decoding_or_model_is_asked_and_so_is_everything_when_wanted(world):
    finish(world, started(world))
    assert len(finish(world, started(world, repeats=2))) == 16, "the first repeat is known, the second is not"
    usual = decodings.of_sets(world.conn, [world.eval_set])
    assert len(finish(world, started(world, decoding=replace(usual, temperature=0.5)))) == 16
    other = models.register_api(world.conn, by=world.by, name="o", base_url="http://127.0.0.1:9/v1", api_model="o")
    assert len(finish(world, started(replace(world, base=other)))) == 16
    assert len(finish(world, started(world, spec={"fresh": True}))) == 16


def test_an_answer_costs_what_its_tokens_cost_and_a_copy_nothing(world):
    model = models.register_api(world.conn, by=world.by, name="o", base_url="http://127.0.0.1:9/v1", api_model="o")
    terms.agree(world.conn, by=world.by, model_id=model.model_id, terms=Terms(price_prompt=2.0, price_completion=10.0))
    priced = replace(world, base=model)
    first, second = started(priced), started(priced)
    finish(world, first)
    # 1,000 prompt tokens at 2 and 10 answer tokens at 10 a million: 0.0021 each
    assert answers.spent(world.conn, first) == pytest.approx(16 * 0.0021)
    finish(world, second)
    assert answers.spent(world.conn, second) == 0
    without = started(world)
    finish(world, without)
    assert world.conn.execute(
        "select count(cost) from answers join runs using (run_id) where job_id = ?", [without]
    ).fetchone() == (0,), "what has no price has no cost"


def test_the_newest_terms_count_and_bad_ones_are_refused(world):
    for concurrency in (3, 5):
        terms.agree(world.conn, by=world.by, model_id="m", terms=Terms(concurrency=concurrency))
    assert terms.of(world.conn, "m").concurrency == 5
    assert terms.of(world.conn, "m").for_worker()["deadline_s"] == 60
    world.conn.execute("update model_terms set deadline_s = null")
    assert terms.of(world.conn, "m").deadline_s == 60, "as it was before it could be chosen"
    for bad in ({"price_prompt": 1.0}, {"price_prompt": -1.0, "price_completion": 1.0}, {"concurrency": 0},
                {"requests_per_minute": 0.0}, {"currency": "gold"}, {"deadline_s": 0.5}):  # fmt: skip
        with pytest.raises(Refusal):
            Terms(**bad)


def test_runs_of_before_the_change_of_the_table_are_still_there_and_old_decodings_are_read(world):
    job_id = started(world)
    world.conn.execute('update runs set decoding = \'{"max_new_tokens": 7, "seed": 0, "temperature": 0.0}\'')
    spec, items = asking.inputs(world.conn, world.settings, job_id)
    assert Decoding(**spec["decoding"]) == Decoding(max_new_tokens=7)
    assert len(items) == 16
