from dataclasses import replace

import pytest

from core.review import adjudication, agreement, closings, queues, ratings
from core.review.queues import Terms
from core.review.ratings import Rating
from core.store import database


@pytest.fixture
def bo(world):
    query = "insert into people (person_id, name, password_hash, roles, created_at) values (?, ?, '', ['expert'], ?)"
    for name in ("Mina", "Bo", "Cy"):
        world.conn.execute(query, [name.casefold(), name, database.now()])
    return replace(world.by, person_id="bo", name="Bo")


@pytest.fixture
def double(world, queue_id, bo):
    """A queue of 12 answers with two ratings each: Mina and Bo differ on the first three, Bo sees style faults."""
    run_ids = database.row(world.conn, "select run_ids from queues")["run_ids"]
    made = queues.create(
        world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids, terms=Terms(raters=("mina", "bo"), each=2)
    )
    positions = {answer_id: number for number, answer_id in enumerate(answers_by_position(world, made))}
    for by in (world.by, bo):
        for item in ratings.waiting(world.conn, made, by.person_id, 100):
            number = positions[item.answer_id]
            passes = number % 2 == 0 if by is world.by else number % 2 == (1 if number < 3 else 0)
            rating = Rating(
                queue_id=made,
                answer_id=item.answer_id,
                verdict="pass" if passes else "fail",
                error_types=() if passes else ("style",) if by is bo else ("knowledge",),
            )
            ratings.record(world.conn, rating, by=by)
    return made


def answers_by_position(world, queue_id):
    return [a for (a,) in world.conn.execute(
        "select answer_id from queue_items where queue_id = ? order by position", [queue_id]
    ).fetchall()]  # fmt: skip


def test_agreement_is_measured_over_the_double_rated_answers(world, double):
    report = agreement.of_queue(world.conn, double, "mina")
    assert report.overall.n == 12
    assert report.overall.raw.value == pytest.approx(9 / 12)
    assert list(report.by_pair) == [("bo", "mina")]
    assert report.by_type["style"].problem is None
    assert report.by_type["format"].problem == "no_variation"


def test_the_answers_that_split_raters_are_listed_with_both_ratings(world, double):
    report = agreement.of_queue(world.conn, double, "mina")
    assert len(report.split) == 3
    assert all({row["rater"] for row in one["ratings"]} == {"bo", "mina"} for one in report.split)
    assert all(one["state"] == "disputed" for one in report.split)


def test_a_leads_decision_does_not_make_raters_agree_afterwards(world, double):
    before = agreement.of_queue(world.conn, double, "mina").overall
    for one in adjudication.disputed(world.conn, world.task.task_id):
        decision = adjudication.Decision(
            queue_id=double, answer_id=one["answer_id"], verdict="pass", reason="By the guidelines."
        )
        adjudication.decide(world.conn, decision, by=world.by)
    assert agreement.of_queue(world.conn, double, "mina").overall == before


def test_unfinished_answers_are_left_out(world, queue_id, double, bo):
    for _ in range(4):
        ratings.undo(world.conn, double, by=bo)
    assert agreement.of_queue(world.conn, double, "mina").overall.n == 8


def test_what_an_open_queue_still_offers_the_viewer_is_hidden(world, queue_id, bo):
    first, second = ratings.waiting(world.conn, queue_id, "mina", 2)
    for by, items in ((world.by, (first, second)), (bo, (first,))):
        for item in items:
            rating = Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass")
            ratings.record(world.conn, rating, by=by)
    assert agreement.of_queue(world.conn, queue_id, "mina").hidden == 0
    assert agreement.of_queue(world.conn, queue_id, "bo").hidden == 1
    assert agreement.of_queue(world.conn, queue_id, "cy").hidden == 2


def test_what_the_database_adds_up_is_what_the_queue_shows(world, queue_id, double):
    for viewer in ("mina", "nobody"):
        found, expected = (
            agreement.of_task(world.conn, world.task.task_id, viewer),
            agreement.of_queue(world.conn, double, viewer).overall,
        )
        assert found == expected
        assert found.n == 12
    assert agreement.of_task(world.conn, "no such task", "mina") is None


def test_what_another_queue_still_asks_somebody_is_not_added_up_for_them(world, queue_id, double):
    """The first queue asks every expert about the same answers; Cy has judged one of them."""
    found = agreement.of_task(world.conn, world.task.task_id, "nobody")
    assert found.n == 12
    assert agreement.of_task(world.conn, world.task.task_id, "cy") is None
    (item,) = ratings.waiting(world.conn, queue_id, "cy", 1)
    cy = replace(world.by, person_id="cy", name="Cy")
    ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="fail"), by=cy)
    assert agreement.of_task(world.conn, world.task.task_id, "cy").n == 1
    closings.close_queue(world.conn, queue_id, by=world.by)
    assert agreement.of_task(world.conn, world.task.task_id, "cy") == found, "a closed queue asks nobody"
