from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import Refusal
from core.review import progress, ratings, rubrics
from core.review.ratings import Rating
from core.store import database
from tests import chain


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
    assert after != item
    assert len(ratings.waiting(world.conn, queue_id, "mina", limit=100)) == 11


def test_a_later_rating_supersedes_and_the_first_stays_readable(world, queue_id, item, say):
    say("pass")
    say("fail", error_types=("style",), note="Too curt.", correction="late")
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
    assert item in ratings.waiting(world.conn, queue_id, "wei", limit=100)
    assert ratings.undo(world.conn, queue_id, by=wei) is None
    say("fail", by=wei)
    assert [row["supersedes"] for row in kept(world)] == [None, None]
    assert ratings.current(world.conn, queue_id, item.answer_id, "mina")["verdict"] == "pass"


def test_each_rating_and_each_undo_is_an_audit_event(world, queue_id, item, say):
    say("fail", correction="late")
    ratings.undo(world.conn, queue_id, by=world.by)
    events = database.rows(world.conn, "select * from audit_events where act = 'answer.rated' order by seq")
    assert [event["subject"] for event in events] == [item.answer_id] * 2
    assert len({event["detail"] for event in events}) == 2
    for event in events:  # sealed by its hash; who still has to judge the answer reads nothing from the trail
        assert "said" in event["detail"]
        assert "fail" not in event["detail"]
        assert "late" not in event["detail"]


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
    assert progress.of_rater(world.conn, queue_id, "mina").pace_s is None
    items = ratings.waiting(world.conn, queue_id, "mina", limit=5)
    for item in items:
        ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass"), by=world.by)
    start = database.now()
    # 4 s, a lunch break, 8 s, 6 s: the median of 4, 6 and 8 is 6
    for row, after in zip(kept(world), (0, 4, 3604, 3612, 3618), strict=True):
        moved = [start + timedelta(seconds=after), row["rating_id"]]
        world.conn.execute("update ratings set rated_at = ? where rating_id = ?", moved)
    assert progress.of_rater(world.conn, queue_id, "mina").pace_s == pytest.approx(6)
    assert progress.of_rater(world.conn, queue_id, "wei").pace_s is None


def test_each_rater_has_an_order_of_their_own_that_can_be_drawn_again(world, queue_id):
    order = {name: [one.answer_id for one in ratings.waiting(world.conn, queue_id, name, 100)] for name in ("a", "b")}
    assert sorted(order["a"]) == sorted(order["b"])
    assert order["a"] != order["b"]
    assert order["a"] == [one.answer_id for one in ratings.waiting(world.conn, queue_id, "a", 100)]


def test_a_receipt_is_worth_one_rating_whatever_was_said_in_between(world, queue_id, item):
    rating = Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass")
    assert ratings.record(world.conn, rating, by=world.by, receipt="r1")
    ratings.undo(world.conn, queue_id, by=world.by, receipt="r2")
    assert not ratings.record(world.conn, rating, by=world.by, receipt="r1")  # sent again by a slow connection
    assert [row["verdict"] for row in kept(world)] == ["pass", "undone"]
    events = world.conn.execute("select count(*) from audit_events where act = 'answer.rated'").fetchone()
    assert events == (2,)


def test_a_second_tab_does_not_replace_what_the_first_has_said(world, queue_id, item, say):
    say("fail")
    rating = Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass")
    assert not ratings.record(world.conn, rating, by=world.by, receipt="other tab", again=False)
    assert [row["verdict"] for row in kept(world)] == ["fail"]


def test_two_threads_that_send_the_same_receipt_keep_one_rating(world, queue_id, item):
    rating = Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass")

    def send(conn):
        return ratings.record(conn, rating, by=world.by, receipt="once")

    cursors = [world.conn.cursor() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, cursors)) == [False, False, False, True]
    assert len(kept(world)) == 1


def test_undo_can_name_its_answer(world, queue_id, item, say):
    say("pass")
    second = ratings.waiting(world.conn, queue_id, "mina")[0]
    ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=second.answer_id, verdict="pass"), by=world.by)
    assert ratings.undo(world.conn, queue_id, by=world.by, answer_id=item.answer_id) == item.answer_id
    assert ratings.undo(world.conn, queue_id, by=world.by, answer_id=item.answer_id) is None
    assert [row["answer_id"] for row in ratings.recent(world.conn, queue_id, "mina", 5)] == [second.answer_id]


def test_nobody_rates_what_they_wrote_themselves(world, queue_id, item, say):
    written = "Your parcel is late because of the snow. It comes on Monday."
    say("fail", correction=written)
    other = chain.collect(world)
    ids = [one.answer_id for one in ratings.waiting(world.conn, other, "mina", 100)]
    query = "select answer_id from answers where list_contains($ids, answer_id) and sample_id = (select sample_id from "
    query += "answers where answer_id = $first)"
    (same_sample,) = world.conn.execute(query, {"ids": ids, "first": item.answer_id}).fetchone()
    world.conn.execute("update answers set text = ? where answer_id = ?", [written, same_sample])  # learned by heart
    assert same_sample not in [one.answer_id for one in ratings.waiting(world.conn, other, "mina", 100)]
    assert same_sample in [one.answer_id for one in ratings.waiting(world.conn, other, "wei", 100)]
    own = Rating(queue_id=other, answer_id=same_sample, verdict="pass")
    with pytest.raises(Refusal, match="word for word what you wrote"):
        ratings.record(world.conn, own, by=world.by)
    assert ratings.record(world.conn, own, by=replace(world.by, person_id="wei"))
    assert progress.of_rater(world.conn, other, "mina").left == 11


def test_on_the_scale_of_five_four_and_five_pass(world):
    rubrics.revise(
        world.conn,
        by=world.by,
        task_id=world.task.task_id,
        scale="five",
        reference="hidden",
        guidelines={"en": "Read."},
    )
    queue_id = chain.collect(world)
    asked = rubrics.of_queue(world.conn, queue_id)
    assert (asked.scale, asked.reference, asked.guidelines) == ("five", "hidden", {"en": "Read."})
    first, second = ratings.waiting(world.conn, queue_id, "mina", 2)
    ratings.record(
        world.conn, Rating(queue_id=queue_id, answer_id=first.answer_id, verdict="pass", points=4), by=world.by
    )
    for verdict, points in (("pass", 3), ("fail", 4), ("fail", 0), ("pass", 6)):
        with pytest.raises(Refusal, match="4 and 5 pass"):
            ratings.record(
                world.conn,
                Rating(queue_id=queue_id, answer_id=second.answer_id, verdict=verdict, points=points),
                by=world.by,
            )
    with pytest.raises(Refusal, match="does not fit"):
        ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=second.answer_id, verdict="pass"), by=world.by)
    assert [row["points"] for row in kept(world)] == [4]


def test_a_queue_keeps_the_rubric_it_was_made_with(world, queue_id):
    rubrics.revise(world.conn, by=world.by, task_id=world.task.task_id, scale="five", reference="shown")
    assert rubrics.of_queue(world.conn, queue_id).scale == "pass_fail"
    assert rubrics.latest(world.conn, world.task.task_id).scale == "five"
    with pytest.raises(Refusal, match="needs a question"):
        rubrics.revise(
            world.conn,
            by=world.by,
            task_id=world.task.task_id,
            scale="five",
            reference="shown",
            question={"en": " ", "zh": ""},
        )


def test_progress_tells_mine_and_ours(world, queue_id, item, say):
    wei = replace(world.by, person_id="wei", name="Wei")
    say("pass")
    say("fail", by=wei)
    second = next(one for one in ratings.waiting(world.conn, queue_id, "wei", 100) if one != item)
    ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=second.answer_id, verdict="pass"), by=wei)
    now = progress.of_rater(world.conn, queue_id, "mina")
    assert (now.mine, now.left, now.ours) == (1, 11, 2)
