from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import Refusal
from core.review import ratings
from core.review.ratings import Rating
from core.store import database


@pytest.fixture
def item(world, queue_id):
    return ratings.waiting(world.conn, queue_id, "mina")[0]


@pytest.fixture
def say(world, queue_id, item):
    """Records what somebody, Mina unless told, says of the first answer."""

    def record(verdict, by=world.by, **more):
        rating = Rating(queue_id=queue_id, answer_id=item.answer_id, verdict=verdict, **more)
        ratings.record(world.conn, rating, by=by)

    return record


def kept(world):
    return database.rows(world.conn, "select * from ratings order by rating_id")


def test_a_rated_answer_waits_no_more_and_the_next_comes(world, queue_id, item, say):
    say("pass")
    (after,) = ratings.waiting(world.conn, queue_id, "mina")
    assert (item.position, after.position) == (0, 1)


def test_a_later_rating_supersedes_and_the_first_stays_readable(world, queue_id, item, say):
    say("pass")
    say("fail", error_types=("style",), note="Too curt.", correction="late", origin="typed")
    first, second = kept(world)
    assert (first["verdict"], second["verdict"], second["supersedes"]) == ("pass", "fail", first["rating_id"])
    now = ratings.current(world.conn, queue_id, item.answer_id, "mina")
    assert (now["error_types"], now["note"], now["correction"]) == (["style"], "Too curt.", "late")


def test_the_same_rating_sent_twice_is_kept_once(world, say):
    for _ in range(2):
        say("fail", error_types=("format",))
    assert len(kept(world)) == 1


def test_undo_brings_the_newest_back_and_then_the_one_before(world, queue_id, item, say):
    say("pass")
    second = ratings.waiting(world.conn, queue_id, "mina")[0]
    ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=second.answer_id, verdict="skip"), by=world.by)
    assert ratings.undo(world.conn, queue_id, by=world.by) == second.answer_id
    assert ratings.undo(world.conn, queue_id, by=world.by) == item.answer_id
    assert ratings.undo(world.conn, queue_id, by=world.by) is None
    assert ratings.waiting(world.conn, queue_id, "mina")[0] == item
    assert [row["verdict"] for row in kept(world)] == ["pass", "skip", "undone", "undone"]


def test_the_same_verdict_after_an_undo_is_a_new_judgement(world, queue_id, say):
    say("pass")
    ratings.undo(world.conn, queue_id, by=world.by)
    say("pass")
    assert [row["verdict"] for row in kept(world)] == ["pass", "undone", "pass"]


def test_raters_do_not_see_or_change_each_others_ratings(world, queue_id, item, say):
    wei = replace(world.by, person_id="wei", name="Wei")
    say("pass")
    assert ratings.waiting(world.conn, queue_id, "wei")[0] == item
    assert ratings.undo(world.conn, queue_id, by=wei) is None
    say("fail", by=wei)
    assert [row["supersedes"] for row in kept(world)] == [None, None]
    assert ratings.current(world.conn, queue_id, item.answer_id, "mina")["verdict"] == "pass"


def test_each_rating_and_each_undo_is_an_audit_event(world, queue_id, item, say):
    say("fail", correction="late", origin="typed")
    ratings.undo(world.conn, queue_id, by=world.by)
    events = database.rows(world.conn, "select * from audit_events where act = 'answer.rated' order by seq")
    assert [event["subject"] for event in events] == [item.answer_id] * 2
    assert '"verdict":"fail"' in events[0]["detail"]
    assert '"corrected":true' in events[0]["detail"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"verdict": "maybe"}, "“maybe” is not a verdict. Choose pass, fail or skip."),
        ({"verdict": "fail", "correction": "  "}, "The corrected answer is empty."),
        ({"verdict": "pass", "correction": "late"}, "An answer that had to be corrected does not pass."),
        ({"verdict": "skip", "correction": "late"}, "An answer that had to be corrected does not pass."),
        ({"verdict": "fail", "error_types": ("spelling",)}, "“spelling” is not an error type of this task."),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_kept(world, say, fields, sentence):
    with pytest.raises(Refusal, match=sentence):
        say(**fields)
    assert kept(world) == []


def test_an_answer_of_another_queue_is_refused(world, queue_id):
    with pytest.raises(Refusal, match="not in the queue any more"):
        ratings.record(world.conn, Rating(queue_id=queue_id, answer_id="other", verdict="pass"), by=world.by)


def test_only_an_expert_may_rate(world, queue_id, say):
    operator = replace(world.by, roles=frozenset({"operator", "admin"}))
    with pytest.raises(Refusal, match="Only an expert"):
        say("pass", by=operator)
    with pytest.raises(Refusal, match="Only an expert"):
        ratings.undo(world.conn, queue_id, by=operator)


def test_the_pace_is_the_median_between_judgements_without_breaks(world, queue_id):
    assert ratings.pace(world.conn, queue_id, "mina") is None
    items = ratings.waiting(world.conn, queue_id, "mina", limit=5)
    for item in items:
        ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass"), by=world.by)
    start = database.now()
    # 4 s, a lunch break, 8 s, 6 s: the median of 4, 6 and 8 is 6
    for row, after in zip(kept(world), (0, 4, 3604, 3612, 3618), strict=True):
        moved = [start + timedelta(seconds=after), row["rating_id"]]
        world.conn.execute("update ratings set rated_at = ? where rating_id = ?", moved)
    assert ratings.pace(world.conn, queue_id, "mina") == pytest.approx(6)
    assert ratings.pace(world.conn, queue_id, "wei") is None
