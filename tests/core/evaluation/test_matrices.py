"""A matrix asks every prompt on every model, says before what that costs, and stops at its cap."""

import json
from dataclasses import replace

import pytest

from core.errors import Refusal
from core.evaluation import answers, decodings, estimates, matrices, models, prompts, runs, terms
from core.evaluation.matrices import Matrix
from core.evaluation.prompts import Prompt
from core.evaluation.terms import Terms
from core.jobs import jobs, supervisor
from tests import chain, openai_server


@pytest.fixture
def world(conn, settings, mina):
    return chain.small(conn, settings, mina)


def endpoint(world, name, base_url="http://127.0.0.1:9/v1", **agreed):
    model = models.register_api(world.conn, by=world.by, name=name, base_url=base_url, api_model=name)
    terms.agree(world.conn, by=world.by, model_id=model.model_id, terms=Terms(**agreed))
    return model


def matrix(world, of_models, **how):
    return Matrix(eval_set=world.eval_set, split="dev", prompts=world.ladder.rungs, models=of_models, **how)


def test_every_prompt_runs_on_every_model_with_every_repeat(world):
    wanted = matrix(world, [endpoint(world, "a"), endpoint(world, "b")], repeats=3)
    job_id = matrices.start(world.conn, by=world.by, matrix=wanted)
    found = runs.measured(world.conn, job_id)
    assert [(run["model_name"], run["rung"], run["planned"]) for run in found] == [
        ("a", "A", 24), ("a", "B", 24), ("b", "A", 24), ("b", "B", 24)
    ]  # fmt: skip
    assert wanted.calls == 96
    assert matrices.jobs_of(world.conn, world.task.task_id) == [job_id]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"split": "gate"}, "Locked samples"),
        ({"models": []}, "at least one prompt and one model"),
        ({"repeats": 0}, "100 repeats"),
        ({"temperature": 3.0}, "temperature from 0 to 2"),
        ({"max_new_tokens": 0}, "between 1 and 100,000 tokens"),
    ],
)
def test_what_cannot_be_meant_is_refused(world, how, says):
    with pytest.raises(Refusal, match=says):
        Matrix(
            **{"eval_set": world.eval_set, "split": "dev", "prompts": world.ladder.rungs, "models": [world.base]} | how
        )


def test_the_estimate_can_be_checked_by_hand(world):
    model = endpoint(world, "a", price_prompt=2.0, price_completion=10.0, concurrency=4)
    wanted = matrix(world, [model])
    found = estimates.of(world.conn, wanted)
    limit = decodings.of_sets(world.conn, [world.eval_set]).max_new_tokens
    low, high = found.costs["USD"]
    assert (found.calls, found.known, found.seconds, found.untimed) == (16, 0, None, ("a",))
    # no answer yet: the most is the usual; 16 answers of at most so many tokens at 10 a million, and the prompts
    assert low == high
    assert 16 * limit * 10 / 1e6 < high < 16 * (limit * 10 + 60 * 2) / 1e6
    job_id = matrices.start(world.conn, by=world.by, matrix=wanted)
    rows = chain.Scripted(world.conn, chain.MIDDLING).answers(job_id)  # 20 tokens and 0.4 s each
    answers.keep(world.conn, job_id, rows)
    found = estimates.of(world.conn, wanted)
    assert found.seconds == pytest.approx(16 * 0.4 / 4)
    assert found.costs["USD"][0] <= found.costs["USD"][1]
    slow = Terms(price_prompt=2.0, price_completion=10.0, requests_per_minute=60.0)
    terms.agree(world.conn, by=world.by, model_id=model.model_id, terms=slow)
    assert estimates.of(world.conn, wanted).seconds == pytest.approx(16.0), "one call a second is the limit"


def test_what_was_asked_before_is_in_no_estimate(world):
    with openai_server.serve(models=("a",)) as server:
        model = endpoint(world, "a", server.base_url, price_prompt=1.0, price_completion=1.0)
        matrices.start(world.conn, by=world.by, matrix=matrix(world, [model]))
        supervisor.drain(world.settings, world.conn)
    found = estimates.of(world.conn, matrix(world, [model]))
    assert (found.known, found.costs["USD"][1]) == (16, 0.0)
    assert estimates.of(world.conn, matrix(world, [model]), fresh=True).known == 0
    assert estimates.of(world.conn, matrix(world, [model], repeats=2)).known == 16


def test_a_cap_stops_before_it_is_exceeded_and_the_rest_goes_on_with_a_higher_one(world):
    with openai_server.serve(models=("a",)) as server:
        model = endpoint(world, "a", server.base_url, price_prompt=0.0, price_completion=500_000.0, concurrency=4)
        # Each answer costs 1.5 (3 tokens at 0.5 each) and is reserved at its longest.
        limit = decodings.of_sets(world.conn, [world.eval_set]).max_new_tokens
        job_id = matrices.start(world.conn, by=world.by, matrix=matrix(world, [model]), cap=7.5 + limit / 2)
        supervisor.drain(world.settings, world.conn)
        job = jobs.find(world.conn, job_id)
        assert job.state == "stopped"
        assert "spending cap" in job.message
        spent = answers.spent(world.conn, job_id)
        assert 7.5 < spent <= 7.5 + limit / 2
        assert len(server.seen) * 1.5 == spent
        runs.raise_cap(world.conn, world.settings, job_id, 1000.0, by=world.by)
        supervisor.drain(world.settings, world.conn)
        assert jobs.find(world.conn, job_id).state == "done"
        assert len(server.seen) == 16, "nothing was paid for twice"


def test_a_cap_needs_prices_in_one_currency(world):
    free, dollar, yuan = (
        endpoint(world, "free"),
        endpoint(world, "dollar", price_prompt=1.0, price_completion=1.0),
        endpoint(world, "yuan", price_prompt=1.0, price_completion=1.0, currency="CNY"),
    )
    for of_models, says in (([free], "free has none"), ([dollar, yuan], "different currencies")):
        with pytest.raises(Refusal, match=says):
            matrices.start(world.conn, by=world.by, matrix=matrix(world, of_models), cap=1.0)
    with pytest.raises(Refusal, match="above 0"):
        matrices.start(world.conn, by=world.by, matrix=matrix(world, [dollar]), cap=0.0)


def test_each_prompt_brings_its_own_schema_and_the_set_has_one_for_the_rest(world):
    own = {"type": "object", "properties": {"a": {"type": "string"}}}
    shared = {"type": "object", "properties": {}}
    eval_set = replace(world.eval_set, schema=shared)
    world.conn.execute("update eval_sets set schema = ?", [json.dumps(shared)])
    rungs = [
        ("A", Prompt(name="A", system="", template="{input} {schema}", schema=own)),
        ("B", Prompt(name="B", system="", template="{input}")),
    ]
    saved = {"task_id": eval_set.task_id, "eval_set_name": eval_set.name, "rungs": rungs}
    prompts.save_ladder(world.conn, by=world.by, **saved)
    rungs = prompts.ladder(world.conn, eval_set.task_id, eval_set.name).rungs
    with openai_server.serve(models=("a",), answer=lambda body: "{}") as server:
        model = endpoint(world, "a", server.base_url)
        wanted = Matrix(eval_set=eval_set, split="dev", prompts=rungs, models=[model], structured=True)
        matrices.start(world.conn, by=world.by, matrix=wanted)
        supervisor.drain(world.settings, world.conn)
        asked = [body["response_format"]["json_schema"]["schema"] for body in server.seen]
        count = eval_set.counts["dev"]
        assert [asked.count(own), asked.count(shared)] == [count, count]
        assert estimates.of(world.conn, wanted).known == 2 * count, "asked the same way, it is known"
        matrices.start(world.conn, by=world.by, matrix=replace(wanted, structured=False))
        supervisor.drain(world.settings, world.conn)
        assert not [body for body in server.seen[2 * count :] if "response_format" in body]
        assert len(server.seen) == 4 * count


def test_an_estimate_from_a_part_of_the_samples_says_how_many_they_were(world, monkeypatch):
    model = endpoint(world, "a", price_prompt=1.0, price_completion=0.0, currency="USD")
    whole = estimates.of(world.conn, matrix(world, [model]))
    assert (whole.looked_at, whole.projected) == (whole.samples, False)
    monkeypatch.setattr(estimates, "LOOKED_AT", whole.calls // 2)
    half = estimates.of(world.conn, matrix(world, [model]))
    assert (half.looked_at, half.samples, half.projected) == (whole.samples // 2, whole.samples, True)
    assert half.costs["USD"][0] == pytest.approx(whole.costs["USD"][0], rel=0.1)


def test_how_a_server_takes_json_is_learned_once_and_remembered(world):
    def text_only(body):
        return "plain"

    with openai_server.serve(models=("a",), answer=text_only, structured=("text",)) as server:
        model = endpoint(world, "a", server.base_url)
        world.conn.execute('update eval_sets set schema = \'{"type": "object", "properties": {}}\'')
        matrices.start(world.conn, by=world.by, matrix=matrix(world, [model], structured=True))
        supervisor.drain(world.settings, world.conn)
        assert terms.structured(world.conn, model.model_id) == "text"
        asked = [body.get("response_format", {}).get("type") for body in server.seen]
        assert asked == ["json_schema", "json_object"] + [None] * 16
        matrices.start(world.conn, by=world.by, matrix=matrix(world, [model], structured=True), fresh=True)
        supervisor.drain(world.settings, world.conn)
        assert len(server.seen) == 18 + 16, "the second time it is asked in the way it takes from the start"
