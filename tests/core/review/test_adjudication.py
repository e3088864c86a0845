from dataclasses import replace

import pytest

from core.access.people import Person
from core.errors import Refusal
from core.review import adjudication, queues, ratings
from core.review.adjudication import Decision
from core.review.ratings import Rating
from core.store import database


@pytest.fixture
def bo():
    return Person(person_id="bo", name="Bo", roles=frozenset(["expert"]))


@pytest.fixture
def answer(world, queue_id, bo):
    """The id of an answer that Mina passed and Bo failed and corrected."""
    item = ratings.waiting(world.conn, queue_id, "mina")[0]
    ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass"), by=world.by)
    failed = Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="fail", correction="late")
    ratings.record(world.conn, failed, by=bo)
    return item.answer_id


def decide(world, queue_id, answer, verdict="pass", reason="The guideline covers it.", by=None, **more):
    decision = Decision(queue_id=queue_id, answer_id=answer, verdict=verdict, reason=reason, **more)
    adjudication.decide(world.conn, decision, by=by or world.by)


def disputed(world):
    return [one["answer_id"] for one in adjudication.disputed(world.conn, world.task.task_id)]


def test_a_lead_sees_the_disputed_answer_with_both_ratings_and_no_version(world, queue_id, answer):
    (item,) = adjudication.disputed(world.conn, world.task.task_id)
    assert [(one["rater"], one["verdict"]) for one in item["ratings"]] == [("bo", "fail"), ("mina", "pass")]
    assert not {"run_id", "prompt_id", "model_id", "rung"} & set(item)


def test_a_decision_settles_the_item_and_the_ratings_stay(world, queue_id, answer):
    before = database.rows(world.conn, "select * from ratings order by rating_id")
    decide(world, queue_id, answer)
    assert disputed(world) == []
    assert queues.states(world.conn, queue_id)[answer] == "done"
    assert database.rows(world.conn, "select * from ratings order by rating_id") == before


def test_a_later_decision_supersedes_and_the_first_stays_readable(world, queue_id, answer):
    decide(world, queue_id, answer, "pass")
    decide(world, queue_id, answer, "fail", "The rule has changed.", error_types=("style",), correction="lost")
    first, second = database.rows(world.conn, "select * from decisions order by decision_id")
    assert (first["verdict"], second["supersedes"]) == ("pass", first["decision_id"])
    assert adjudication.current(world.conn, queue_id, answer)["correction"] == "lost"
    assert len(first["rating_ids"]) == 2


def test_only_what_is_disputed_can_be_decided(world, queue_id):
    item = ratings.waiting(world.conn, queue_id, "mina")[0]
    with pytest.raises(Refusal, match="Nobody disagrees"):
        decide(world, queue_id, item.answer_id)
    assert database.rows(world.conn, "select * from decisions") == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"reason": "  "}, "A decision needs a reason"),
        ({"verdict": "skip"}, "decides nothing"),
        ({"verdict": "fail", "correction": " "}, "The corrected answer is empty"),
        ({"verdict": "pass", "correction": "late"}, "does not pass"),
        ({"verdict": "fail", "error_types": ("spelling",)}, "not an error type of this task"),
    ],
)
def test_what_makes_no_sense_is_refused(world, queue_id, answer, fields, sentence):
    with pytest.raises(Refusal, match=sentence):
        decide(world, queue_id, answer, **fields)
    assert disputed(world) == [answer]


def test_only_an_approver_decides(world, queue_id, answer, bo):
    with pytest.raises(Refusal, match="Only an approver"):
        decide(world, queue_id, answer, by=bo)


def test_the_trail_says_who_decided_and_whether_they_had_rated_it_themselves(world, queue_id, answer):
    decide(world, queue_id, answer)
    decide(world, queue_id, answer, "fail", by=replace(world.by, person_id="lee"))
    query = "select actor, detail ->> 'own' as own from audit_events where act = 'answer.adjudicated' order by seq"
    assert database.rows(world.conn, query) == [{"actor": "mina", "own": "true"}, {"actor": "lee", "own": "false"}]
