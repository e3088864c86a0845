from dataclasses import replace

import pytest

from core.errors import Refusal
from core.evaluation import runs
from core.review import queues, ratings
from core.review.ratings import Rating
from core.store import database
from tests import chain


def test_a_queue_holds_every_answer_once_in_an_order_of_its_own(world, queue_id):
    items = ratings.waiting(world.conn, queue_id, "mina", limit=100)
    assert len({item.answer_id for item in items}) == 12
    assert [item.input for item in items] != sorted(item.input for item in items)


def test_the_order_mixes_the_versions(world):
    job_id = chain.climb(world)
    run_ids = [run["run_id"] for run in runs.of_job(world.conn, job_id)]
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids)
    query = "select count(distinct run_id) from queue_items join answers using (answer_id) where queue_id = ?"
    assert world.conn.execute(query, [queue_id]).fetchone() == (2,)


def test_what_a_rater_gets_tells_nothing_of_the_version(world, queue_id):
    (item,) = ratings.waiting(world.conn, queue_id, "mina")
    assert set(item.__slots__) == {"answer_id", "text", "input", "context", "reference", "cut"}


def test_a_limit_draws_that_many(world):
    chain.collect(world)
    run = runs.latest(world.conn, world.task.task_id, "collect")
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=[run["run_id"]], limit=5)
    assert len(ratings.waiting(world.conn, queue_id, "mina", limit=100)) == 5


def test_failed_calls_are_not_put_up_for_rating(world):
    queue_id = chain.collect(world, lambda run, place, count: None if place == 0 else True)
    assert len(ratings.waiting(world.conn, queue_id, "mina", limit=100)) == 11


def test_runs_without_answers_make_no_queue(world):
    with pytest.raises(Refusal, match="no answers to rate yet"):
        queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=["none"])


def test_only_an_operator_may_put_answers_up(world, queue_id):
    expert = replace(world.by, roles=frozenset({"expert"}))
    with pytest.raises(Refusal, match="Only an operator"):
        queues.create(world.conn, by=expert, task_id=world.task.task_id, run_ids=["any"])


def test_progress_is_each_raters_own(world, queue_id):
    first, second = ratings.waiting(world.conn, queue_id, "mina", limit=2)
    for item, verdict in ((first, "pass"), (second, "skip")):
        ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=item.answer_id, verdict=verdict), by=world.by)
    (mine,) = queues.of_task(world.conn, world.task.task_id, "mina")
    (theirs,) = queues.of_task(world.conn, world.task.task_id, "wei")
    assert (mine["done"], mine["total"], theirs["done"]) == (2, 12, 0)


def test_putting_answers_up_is_audited_with_its_seed(world, queue_id):
    event = database.row(world.conn, "select * from audit_events where act = 'queue.created'")
    seed = database.row(world.conn, "select seed from queues")["seed"]
    assert event["subject"] == queue_id
    assert f'"seed":{seed}' in event["detail"]
