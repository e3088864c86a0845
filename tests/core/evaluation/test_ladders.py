from dataclasses import replace

import pytest

from core.diagnosis import intervals
from core.errors import Refusal
from core.evaluation import ladders, prompts, rendering, results, runs, winners
from tests import chain


@pytest.fixture
def world(conn, settings, mina):
    return chain.small(conn, settings, mina, dev=20, train=4, gate=40, retain=0)


def climb_of(world):
    (climb,) = ladders.of_set(world.conn, world.task.task_id, world.eval_set.name)
    return climb


def measure(world, rung="B"):
    rungs = dict(world.ladder.rungs)
    return winners.measure(
        world.conn,
        by=world.by,
        eval_set=world.eval_set,
        first=("A", rungs["A"]),
        winner=(rung, rungs[rung]),
        model=world.base,
    )


def test_the_newest_climb_of_a_model_counts(world):
    chain.climb(world, chain.shares(A=0.1, B=0.1))
    newest = chain.climb(world, chain.shares(A=0.5, B=0.8))
    climb = climb_of(world)
    assert {run["job_id"] for run in climb.runs} == {newest}
    assert climb.complete
    table = ladders.table(world.conn, climb.runs)
    assert list(table["value"]) == [0.5, 0.8]
    assert list(table["n"]) == [20, 20]


def test_rates_are_over_the_samples_that_every_rung_has_a_score_for(world):
    chain.climb(world, lambda run, place, count: None if run["rung"] == "A" and place < 5 else True)
    climb = climb_of(world)
    assert climb.failed == 5
    assert list(ladders.table(world.conn, climb.runs)["n"]) == [15, 15]


def test_the_winner_meets_the_locked_samples_once(world):
    chain.climb(world)
    measure(world)
    chain.work(world, chain.shares(A=0.25, B=0.75))
    asked = winners.locked(
        world.conn,
        world.task.task_id,
        world.eval_set.name,
        world.base.model_id,
        dict(world.ladder.rungs)["B"].prompt_id,
    )
    assert [(run["rung"], run["split"], run["answered"]) for run in asked] == [("A", "gate", 40), ("B", "gate", 40)]
    found = ladders.compare(world.conn, world.task, *asked)
    assert (found.headline, found.paired.fixed, found.paired.n) == ("better", 20, 40)
    with pytest.raises(Refusal, match="already measured on the locked samples"):
        measure(world)


def test_a_winner_that_is_the_first_prompt_has_nothing_to_be_compared_with(world):
    chain.climb(world)
    measure(world, "A")
    (only,) = winners.locked(
        world.conn,
        world.task.task_id,
        world.eval_set.name,
        world.base.model_id,
        dict(world.ladder.rungs)["A"].prompt_id,
    )
    assert (only["rung"], only["side"]) == ("A", "after")


def test_stability_needs_every_answer_to_a_sample(world):
    runs.start_ladder(
        world.conn, by=world.by, eval_set=world.eval_set, ladder=world.ladder, model=world.base, repeats=3
    )
    chain.work(world, chain.shares(A=1.0, B=1.0))
    table = ladders.table(world.conn, climb_of(world).runs)
    assert set(table["metric"]) == {"correct", "same_text", "same_content"}
    assert list(table[table["metric"] == "same_text"]["value"]) == [1.0, 1.0]


def test_the_ladder_is_asked_as_often_as_the_plan_says_and_so_is_its_winner(world):
    task = replace(world.task, plan=replace(world.task.plan, repeats=3))
    asked = {"by": world.by, "eval_set": world.eval_set, "model": world.base}
    ladders.start(world.conn, task=task, ladder=world.ladder, **asked)
    chain.work(world)
    climb = climb_of(world)
    assert (climb.repeats, '"temperature":0.7' in climb.runs[0]["decoding"]) == (3, True)
    rungs = dict(world.ladder.rungs)
    sides = {"first": ("A", rungs["A"]), "winner": ("B", rungs["B"])}
    job_id = winners.measure(world.conn, **asked, **sides, like=climb.runs[1])
    assert {(run["repeats"], run["decoding"]) for run in runs.of_job(world.conn, job_id)} == {
        (3, climb.runs[0]["decoding"])
    }


def test_what_the_database_adds_up_is_what_the_values_say_one_by_one(world):
    chain.climb(world, lambda run, place, count: None if run["rung"] == "A" and place < 5 else place % 3 > 0)
    of_runs = climb_of(world).runs
    ids = [run["run_id"] for run in of_runs]
    one_by_one = results.scores(world.conn, ids)
    for run_id in ids:
        expected = intervals.mean_rate(list(one_by_one[run_id]["correct"].values()))
        assert results.rates(world.conn, ids, same=False)[run_id, "correct"] == expected
    found = results.shared(world.conn, ids, "correct")
    both = sorted(one_by_one[ids[0]]["correct"].keys() & one_by_one[ids[1]]["correct"].keys())
    for run_id in ids:
        assert list(found.values[run_id]) == [one_by_one[run_id]["correct"][sample] for sample in both]
    assert len(set(found.groups)) == len(found.groups) == 15
    nothing = results.shared(world.conn, ids, "no such metric")
    assert (nothing.groups, [len(values) for values in nothing.values.values()]) == ([], [0, 0])
    assert results.rates(world.conn, [], same=True) == {}


def test_the_difference_of_two_prompts_is_what_came_and_what_went():
    old = prompts.Prompt(name="A", system="Sort.", template="{input}")
    new = prompts.Prompt(name="B", system="Sort.\nBe short.", template="{input}")
    assert rendering.difference(old, new) == ["+ Be short."]
    assert rendering.difference(old, old) == []
