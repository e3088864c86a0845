"""What is counted once is what would be counted anew: random answers, scores and ratings, by the queries of before."""

from collections import defaultdict

import numpy as np
import pytest

from core.evaluation import choices, eval_sets, flips, pairs, repeats, results, runs, sums
from core.scoring import scorers
from core.store import database
from tests import chain


@pytest.fixture
def world(settings, mina):
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=30, train=1, gate=1, retain=1)
    world.conn.execute("update samples set pair = 'pair ' || length(key), kind = if(key < 'dev-2', 'concept', kind)")
    yield world
    connection.close()


def fill(world, seed, repeats=3):
    """Two runs with answers at random, some of them failed, and scores at random, some without a value or missing."""
    random = np.random.default_rng(seed)
    job_id = runs.start_ladder(
        world.conn, by=world.by, eval_set=world.eval_set, ladder=world.ladder, model=world.base, repeats=repeats
    )
    of_job = runs.of_job(world.conn, job_id)
    answers, scores = [], []
    for run in of_job:
        for sample in eval_sets.samples(world.conn, world.eval_set.eval_set_id, "dev"):
            for repeat in range(repeats):
                text = random.choice(["late", "Late.", "lost", "here", None], p=[0.5, 0.1, 0.2, 0.15, 0.05])
                name = f"{run['run_id']}-{sample.sample_id}-{repeat}"
                answers.append({"answer_id": name, "run_id": run["run_id"], "sample_id": sample.sample_id}
                               | {"repeat": repeat, "text": text, "failure": None if text else "x"})  # fmt: skip
                for metric in ("correct", "valid", "field:a"):
                    if text and random.random() > 0.1:
                        value = random.choice([0.0, 0.25, 1.0, None], p=[0.3, 0.2, 0.4, 0.1])
                        scores.append(
                            {"answer_id": name, "scorer": "s", "metric": metric, "value": value, "reason": ""}
                        )
    database.insert(world.conn, "answers", answers)
    database.insert(world.conn, "scores", scores)
    return [run["run_id"] for run in of_job]


def near(found, expected):
    assert set(found) == set(expected)
    for key, rate in expected.items():
        assert vars_of(found[key]) == pytest.approx(vars_of(rate), abs=1e-9)


def vars_of(rate):
    return (rate.value, rate.low, rate.high, rate.n)


def counted(world, ids):
    """Everything that pages count from scores."""
    of_run = pairs.values(world.conn, ids[0], "correct")
    shared = results.shared(world.conn, ids, "correct")
    items = database.rows(world.conn, "from item_quality(?, 'correct', 2) order by all", [world.task.task_id])
    return {
        "same": results.rates(world.conn, ids, same=True),
        "each": results.rates(world.conn, ids, same=False),
        "repeats": repeats.rates(world.conn, ids),
    }, {
        "shared": np.concatenate([shared.values[one] for one in ids]).tolist(),
        "groups": list(shared.groups),
        "pairs": [side for one in of_run.values() for side in one],
        "items": [list(row.values()) for row in items],
    }


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_is_summed_has_the_numbers_of_one_that_is_not(world, seed):
    ids = fill(world, seed)
    rates_before, before = counted(world, ids)
    flipped = flips.between(world.conn, "correct", ids[:1], ids[1:])
    assert sums.catch_up(world.conn) == 2
    assert sums.catch_up(world.conn) == 0
    rates_after, after = counted(world, ids)
    for name, found in rates_after.items():
        near(found, rates_before[name])
    assert after["groups"] == before["groups"]
    assert len(after["groups"]) > 10
    for name in ("shared", "pairs"):
        assert after[name] == pytest.approx(before[name], abs=1e-9)
    for row, other in zip(after["items"], before["items"], strict=True):
        assert row == [pytest.approx(one, abs=1e-9) if isinstance(one, float) else one for one in other]
    assert flips.between(world.conn, "correct", ids[:1], ids[1:]) == flipped
    # and the means are those that one counts by hand
    by_hand = defaultdict(list)
    query = "select run_id, metric, sample_id, value from scores join answers using (answer_id) where value is not null"
    for *key, value in world.conn.execute(query).fetchall():
        by_hand[tuple(key)].append(value)
    kept = world.conn.execute("select run_id, metric, sample_id, value, n from sample_values").fetchall()
    assert {tuple(key): (pytest.approx(value), n) for *key, value, n in kept} == {
        key: (sum(found) / len(found), len(found)) for key, found in by_hand.items()
    }


def test_a_run_is_summed_with_its_last_answer_and_again_when_it_is_scored_anew(world):
    chain.climb(world, chain.shares(A=0.2, B=0.6))
    ids = [run["run_id"] for run in runs.latest_ladder(world.conn, world.task.task_id, world.eval_set.name)]
    summed = "select run_id from summed_runs order by run_id"
    assert [run_id for (run_id,) in world.conn.execute(summed).fetchall()] == sorted(ids)
    assert sums.catch_up(world.conn) == 0
    choices.choose(world.conn, by=world.by, eval_set=world.eval_set, scorer=scorers.read("overlap"))
    assert world.conn.execute("select distinct metric from sample_values").fetchall() == [("overlap",)]
    live = "from values_now($runs, null) order by all"
    assert (
        world.conn.execute("from sample_values order by all").fetchall()
        == world.conn.execute(live, {"runs": ids}).fetchall()
    )


def test_a_run_that_is_not_complete_is_not_summed_and_still_told(world):
    ids = fill(world, 7)
    world.conn.execute("update runs set planned = planned + 1 where run_id = ?", [ids[0]])
    sums.catch_up(world.conn)
    assert world.conn.execute("from summed_runs").fetchall() == [(ids[1],)]
    assert {run_id for run_id, _ in results.rates(world.conn, ids, same=True)} == set(ids)
    assert (
        repeats.rates(world.conn, ids)[ids[0], "same_text"].n == repeats.rates(world.conn, ids)[ids[1], "same_text"].n
    )
    world.conn.execute("update runs set planned = planned + 1")
    sums.keep(world.conn, ids)
    for table in ("summed_runs", "sample_values", "sample_repeats"):
        assert world.conn.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_proofs_are_counted_from_the_scores_alone(world):
    ids = fill(world, 8)
    world.conn.execute("update runs set purpose = 'proof'")
    assert sums.catch_up(world.conn) == 0
    assert results.rates(world.conn, ids, same=True)
