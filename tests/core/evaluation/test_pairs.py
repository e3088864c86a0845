"""Pairs of concept and practice as the database has them."""

import pytest

from core.evaluation import eval_sets, pairs, prompts, runs
from core.evaluation.demo_task import FEES
from core.store import database
from tests import chain


@pytest.fixture
def world(settings, mina):
    """The demo's rules, of which every one is stated right and every second case is solved."""
    connection = database.connect(settings)
    world = chain.demo(connection.cursor(), settings, mina)
    fees = next(one for one in eval_sets.of_task(world.conn, world.task.task_id) if one.name == FEES)
    ladder = prompts.ladder(world.conn, world.task.task_id, FEES)
    runs.start_ladder(world.conn, by=mina, eval_set=fees, ladder=ladder, model=world.base)
    chain.work(world, lambda run, place, count: place % 2 == 0 or place % 4 == 1)
    yield world
    connection.close()


def test_cases_that_share_a_group_are_no_independent_witnesses(world):
    run = pairs.of_task(world.conn, world.task.task_id)[0]
    apart = pairs.judge(world.conn, world.task, run["run_id"])
    assert (apart.concept.value, apart.practice.value, apart.gap.clusters) == (1, 0.5, None)
    failing = list(apart.cells["concept_only"])
    world.conn.execute("update samples set group_id = 'one customer' where list_contains($1, pair)", [failing])
    together = pairs.judge(world.conn, world.task, run["run_id"])
    assert together.cells == apart.cells
    assert together.gap.clusters == 12, "eleven solved cases, each of its own group, and one group of failures"
    assert together.gap.high > apart.gap.high
    assert (apart.verdict, together.verdict) == ("cannot_apply", "not_enough")
