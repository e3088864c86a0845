"""What ends without a verdict, and what counts as a dispute on the scale of five."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import Refusal
from core.evaluation import runs
from core.review import adjudication, agreement, approvals, blindness, closings, progress, queues, ratings, rubrics
from core.review.adjudication import Decision
from core.review.queues import Terms
from core.review.ratings import Rating
from core.store import database
from tests import chain


@pytest.fixture
def people(world):
    """Ann and Bo, who never sign in."""
    made = [replace(world.by, person_id=name.casefold(), name=name) for name in ("Ann", "Bo")]
    rows = [{"person_id": one.person_id, "name": one.name, "password_hash": "", "roles": ["expert"]} for one in made]
    database.insert(world.conn, "people", [{**row, "created_at": database.now()} for row in rows])
    return made


@pytest.fixture
def make(world, people):
    """Makes a queue of so many answers for Ann and Bo."""
    chain.collect(world)
    run_id = runs.latest(world.conn, world.task.task_id, "collect")["run_id"]

    def create(limit=2, **terms):
        known = {"by": world.by, "task_id": world.task.task_id, "run_ids": [run_id], "limit": limit}
        return queues.create(world.conn, **known, terms=Terms(**{"raters": ("ann", "bo"), "each": 1, **terms}))

    return create


def say(world, queue_id, answer, person, verdict, **more):
    ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=answer, verdict=verdict, **more), by=person)


def waiting(world, queue_id, person):
    return [item.answer_id for item in ratings.waiting(world.conn, queue_id, person.person_id, 10)]


def stuck(world):
    return [(one["answer_id"], one["skips"]) for one in closings.stuck(world.conn, world.task.task_id)]


def test_what_repeats_the_own_words_of_its_last_rater_waits_for_nobody_and_is_shown(world, people, make):
    ann, bo = people
    queue_id = make(limit=12)
    first = waiting(world, queue_id, ann)[0]
    written = "Your parcel is late because of the snow. It comes on Monday."
    say(world, queue_id, first, ann, "fail", correction=written)
    chain.collect(world)
    query = """
        update answers set text = $text where answer_id <> $first
            and sample_id = (select sample_id from answers where answer_id = $first) returning answer_id, run_id
    """
    ((answer, run_id),) = world.conn.execute(query, {"text": written, "first": first}).fetchall()
    terms = Terms(raters=("ann", "bo"), each=2)
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=[run_id], terms=terms)
    assert blindness.waiting(world.conn, [run_id], ann) == 2 * 11  # of 12 answers in two queues
    assert answer not in {one for one, _ in stuck(world)}
    say(world, queue_id, answer, bo, "pass")
    assert stuck(world) == [(answer, [])]


def test_what_everybody_skipped_is_shown_with_the_reasons_and_not_before(world, people, make):
    ann, bo = people
    queue_id = make()
    answer, _ = waiting(world, queue_id, ann)
    say(world, queue_id, answer, ann, "skip", note="Not my market.")
    assert stuck(world) == []
    say(world, queue_id, answer, bo, "skip")
    assert stuck(world) == [(answer, [{"rater": "ann", "note": "Not my market."}, {"rater": "bo", "note": ""}])]
    ratings.undo(world.conn, queue_id, by=bo)
    assert stuck(world) == []


def test_what_needs_two_and_was_skipped_by_the_second_is_stuck_too(world, people, make):
    ann, bo = people
    queue_id = make(limit=1, each=2)
    (answer,) = waiting(world, queue_id, ann)
    say(world, queue_id, answer, ann, "pass")
    say(world, queue_id, answer, bo, "skip")
    assert [one for one, _ in stuck(world)] == [answer]


def test_closed_it_waits_for_nobody_counts_nowhere_and_can_be_put_back(world, people, make):
    ann, bo = people
    queue_id = make(limit=1)
    (answer,) = waiting(world, queue_id, ann)
    with pytest.raises(Refusal, match="Somebody may still judge"):
        closings.close_item(world.conn, queue_id, answer, by=world.by, reason="Why not?")
    for person in people:
        say(world, queue_id, answer, person, "skip")
    with pytest.raises(Refusal, match="needs a reason"):
        closings.close_item(world.conn, queue_id, answer, by=world.by, reason=" ")
    closings.close_item(world.conn, queue_id, answer, by=world.by, reason="Nobody knows this market.")
    assert queues.states(world.conn, queue_id) == {answer: "closed"}
    assert stuck(world) == []
    (closed,) = closings.closed_items(world.conn, world.task.task_id)
    assert (closed["reason"], closed["closed_by"]) == ("Nobody knows this market.", "mina")
    say(world, queue_id, answer, bo, "pass")  # from a screen that was still open: kept, but it is closed
    assert queues.states(world.conn, queue_id) == {answer: "closed"}
    assert approvals.candidates(world.conn, world.task.task_id) == []
    ratings.undo(world.conn, queue_id, by=bo)
    closings.put_back(world.conn, queue_id, answer, by=world.by)
    assert closings.closed_items(world.conn, world.task.task_id) == []
    assert waiting(world, queue_id, ann) == [answer]
    say(world, queue_id, answer, ann, "pass")
    assert queues.states(world.conn, queue_id) == {answer: "done"}
    verdicts = world.conn.execute("select verdict from ratings where rater = 'ann' order by rating_id").fetchall()
    assert verdicts == [("skip",), ("undone",), ("pass",)], "the skip stays readable"


def test_in_a_queue_for_everybody_those_count_who_have_begun(world, people, make):
    ann, _ = people
    queue_id = make(raters=(), each=None)
    answer, other = waiting(world, queue_id, ann)
    say(world, queue_id, answer, ann, "skip")
    assert [one for one, _ in stuck(world)] == [answer]
    say(world, queue_id, other, replace(ann, person_id="bo"), "pass")
    assert stuck(world) == [], "Bo has begun and may still judge it"


def test_a_late_queue_goes_on_until_it_is_extended_or_closed(world, people, make):
    ann, bo = people
    today = database.now().date()
    queue_id = make(deadline=today - timedelta(days=1))
    (queue, *_) = queues.overview(world.conn, world.task.task_id)
    assert closings.is_late(queue["deadline"], queue["closed_at"], queue["waiting"])
    first, second = waiting(world, queue_id, ann)
    say(world, queue_id, first, ann, "pass")
    with pytest.raises(Refusal, match="is over"):
        closings.extend(world.conn, queue_id, today - timedelta(days=1), by=world.by)
    closings.extend(world.conn, queue_id, today, by=world.by)
    (queue, *_) = queues.overview(world.conn, world.task.task_id)
    assert not closings.is_late(queue["deadline"], queue["closed_at"], queue["waiting"])
    with pytest.raises(Refusal, match="Only an operator"):
        closings.close_queue(world.conn, queue_id, by=replace(ann, roles=frozenset({"expert"})))

    run_ids = [row[0] for row in world.conn.execute("select run_id from runs").fetchall()]
    held = blindness.waiting(world.conn, run_ids, bo)
    closings.close_queue(world.conn, queue_id, by=world.by)
    assert queues.states(world.conn, queue_id) == {first: "done", second: "closed"}
    assert waiting(world, queue_id, bo) == []
    assert progress.of_rater(world.conn, queue_id, "bo").left == 0
    assert blindness.waiting(world.conn, run_ids, bo) == held - 1, "what nobody is asked about hides nothing"
    say(world, queue_id, second, ann, "fail")  # was on her screen
    assert queues.states(world.conn, queue_id)[second] == "done"
    closings.extend(world.conn, queue_id, today + timedelta(days=3), by=world.by)
    assert queues.overview(world.conn, world.task.task_id)[0]["closed_at"] is None


# on the scale of five, 4 and 5 pass; two points apart or more is a dispute
@pytest.mark.parametrize(
    ("points", "state"),
    [((4, 5), "done"), ((1, 2), "done"), ((3, 3), "done"), ((1, 3), "disputed"), ((3, 4), "disputed")],
)
def test_points_that_lie_two_apart_are_a_dispute(world, people, make, points, state):
    rubrics.revise(world.conn, by=world.by, task_id=world.task.task_id, scale="five", reference="shown")
    queue_id = make(limit=1, each=2)
    (answer,) = waiting(world, queue_id, people[0])
    for person, number in zip(people, points, strict=True):
        say(world, queue_id, answer, person, "pass" if number >= 4 else "fail", points=number)
    assert queues.states(world.conn, queue_id) == {answer: state}
    found = adjudication.disputed(world.conn, world.task.task_id)
    assert [one["points"] for item in found for one in item["ratings"]] == ([*points] if state == "disputed" else [])
    if state == "disputed":
        decision = Decision(
            queue_id=queue_id, answer_id=answer, verdict="fail", points=2, reason="Half of it is wrong."
        )
        with pytest.raises(Refusal, match="does not fit"):
            adjudication.decide(world.conn, replace(decision, points=None), by=world.by)
        adjudication.decide(world.conn, decision, by=world.by)
        assert queues.states(world.conn, queue_id) == {answer: "done"}
        assert adjudication.current(world.conn, queue_id, answer)["points"] == 2
    assert agreement.of_queue(world.conn, queue_id, "mina").overall.n == 1
