"""Who may judge what, for how long, and what becomes of an item: queues with terms."""

from datetime import date, timedelta

import pytest

from core.errors import Refusal
from core.evaluation import runs
from core.review import queues, ratings
from core.review.queues import Terms
from core.store import database
from tests import chain
from tests.core.review import team as three
from tests.core.review.team import RATERS, expire, rate, waiting


@pytest.fixture
def team(world):
    return three.join(world)


@pytest.fixture
def make(world, team):
    """Makes a queue over the 12 collected answers with such terms."""
    chain.collect(world)
    run = runs.latest(world.conn, world.task.task_id, "collect")

    def create(limit=None, **terms):
        return queues.create(
            world.conn,
            by=world.by,
            task_id=world.task.task_id,
            run_ids=[run["run_id"]],
            limit=limit,
            terms=Terms(**{"raters": RATERS, "each": 1, **terms}),
        )

    return create


def test_what_one_rater_holds_the_others_do_not_get(world, make):
    queue_id = make()
    ann, bo = waiting(world, queue_id, "ann", 3), waiting(world, queue_id, "bo", 3)
    assert len(ann) == len(bo) == 3
    assert not set(ann) & set(bo)
    assert waiting(world, queue_id, "ann", 3) == ann


def test_a_claim_is_written_once_and_audited(world, make):
    queue_id = make()
    for _ in range(3):
        waiting(world, queue_id, "ann", 2)
    assert database.row(world.conn, "select count(*) as n from claims")["n"] == 2
    query = "select count(*) as n from audit_events where act = 'answers.claimed'"
    assert database.row(world.conn, query)["n"] == 1


def test_an_expired_claim_gives_the_answer_to_the_next(world, make):
    queue_id = make()
    ann = waiting(world, queue_id, "ann", 12)
    assert waiting(world, queue_id, "bo") == []
    expire(world, queue_id)
    assert sorted(waiting(world, queue_id, "bo")) == sorted(ann)


def test_a_rating_that_comes_after_the_claim_has_expired_is_kept(world, team, make):
    queue_id = make(limit=1)
    (answer,) = waiting(world, queue_id, "ann")
    expire(world, queue_id)
    assert waiting(world, queue_id, "bo") == [answer]
    rate(world, team, queue_id, answer, "ann")
    rate(world, team, queue_id, answer, "bo")
    assert queues.states(world.conn, queue_id) == {answer: "done"}
    assert queues.overview(world.conn, world.task.task_id)[0]["twice"] == 1


def test_a_claim_is_prolonged_before_it_ends(world, make):
    queue_id = make(limit=1, claim_minutes=30)
    waiting(world, queue_id, "ann")
    world.conn.execute("update claims set expires_at = ?", [database.now() + timedelta(minutes=10)])
    waiting(world, queue_id, "ann")
    longest = database.row(world.conn, "select max(expires_at) as until from claims")["until"]
    assert longest > database.now() + timedelta(minutes=29)


def test_the_states_of_an_item_with_two_ratings_wanted(world, team, make):
    queue_id = make(limit=2, each=2)
    first, second = waiting(world, queue_id, "ann")
    assert set(queues.states(world.conn, queue_id).values()) == {"waiting"}
    rate(world, team, queue_id, first, "ann")
    rate(world, team, queue_id, second, "ann")
    assert set(queues.states(world.conn, queue_id).values()) == {"needs_others"}
    rate(world, team, queue_id, first, "bo")
    rate(world, team, queue_id, second, "bo", "fail")
    assert queues.states(world.conn, queue_id) == {first: "done", second: "disputed"}
    assert waiting(world, queue_id, "cy") == []


def test_a_skip_leaves_the_answer_to_the_others(world, team, make):
    queue_id = make(limit=1)
    (answer,) = waiting(world, queue_id, "ann")
    rate(world, team, queue_id, answer, "ann", "skip")
    assert waiting(world, queue_id, "ann") == []
    assert waiting(world, queue_id, "bo") == [answer]
    assert queues.states(world.conn, queue_id) == {answer: "waiting"}


def test_an_undone_rating_brings_the_answer_back_to_its_rater(world, team, make):
    queue_id = make(limit=1)
    (answer,) = waiting(world, queue_id, "ann")
    rate(world, team, queue_id, answer, "ann")
    ratings.undo(world.conn, queue_id, by=team["ann"])
    assert waiting(world, queue_id, "bo") == []
    assert waiting(world, queue_id, "ann") == [answer]


def test_the_overlap_is_double_rated_and_the_rest_once(world, make):
    make(overlap=5)
    query = "select needed, count(*) as n from queue_items where needed is not null group by needed order by needed"
    assert database.rows(world.conn, query) == [{"needed": 1, "n": 7}, {"needed": 2, "n": 5}]


def test_only_who_is_named_gets_and_may_judge_the_answers(world, team, make):
    queue_id = make(raters=("ann", "bo"))
    assert waiting(world, queue_id, "cy") == []
    assert queue_id not in {one["queue_id"] for one in queues.of_task(world.conn, world.task.task_id, "cy")}
    with pytest.raises(Refusal, match="for other raters"):
        rate(world, team, queue_id, waiting(world, queue_id, "ann")[0], "cy")


def test_a_queue_keeps_its_terms(world, make):
    make(name="Monday", deadline=date(2030, 1, 31), each=2)
    queue = queues.overview(world.conn, world.task.task_id)[0]
    assert (queue["name"], queue["deadline"], queue["terms"]["each"]) == ("Monday", date(2030, 1, 31), 2)
    assert (queue["total"], queue["waiting"]) == (12, 12)


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"each": 4}, "3 raters cannot give 4 ratings to one answer"),
        ({"raters": ("ann",), "overlap": 5}, "1 raters cannot give 2 ratings to one answer"),
        ({"raters": ("ann", "noor")}, "noor cannot rate"),
        ({"each": 0}, "at least one rating"),
        ({"claim_minutes": 0}, "between 1 and 1440 minutes"),
        ({"choice": "disagreements"}, "None of the answers fits this choice"),
    ],
)
def test_terms_that_cannot_be_met_are_refused(make, terms, sentence):
    with pytest.raises(Refusal, match=sentence):
        make(**terms)


def test_the_answers_are_those_that_were_chosen(world, make):
    # 12 train samples, of which the first rung answers a quarter right; only number 0 is critical
    assert len(waiting(world, make(choice="failures"), "ann")) == 9
    assert len(waiting(world, make(choice="critical"), "ann")) == 1


def test_where_versions_differ_both_answers_are_put_up(world, team):
    # rung A answers the first of 2 dev samples right and B both: they differ on the second
    job_id = chain.climb(world, chain.shares(A=0.5, B=1.0))
    run_ids = [run["run_id"] for run in runs.of_job(world.conn, job_id)]
    terms = Terms(choice="differences")
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids, terms=terms)
    items = ratings.waiting(world.conn, queue_id, "ann", 10)
    assert len(items) == 2
    assert len({item.input for item in items}) == 1
    assert len({item.text for item in items}) == 2


def test_what_raters_disagreed_about_can_be_put_up_again(world, team, make):
    queue_id = make(limit=2, each=2)
    first, second = waiting(world, queue_id, "ann")
    for rater, verdict in (("ann", "pass"), ("bo", "fail")):
        rate(world, team, queue_id, first, rater, verdict)
        rate(world, team, queue_id, second, rater, "pass")
    assert waiting(world, make(choice="disagreements"), "cy") == [first]
