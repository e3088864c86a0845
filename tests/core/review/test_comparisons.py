from dataclasses import replace

import pytest

from core.access.people import Person
from core.errors import Refusal
from core.evaluation import runs
from core.review import blindness, comparisons, queues, ratings, reveals
from core.review.ratings import Rating
from core.store import database
from tests import chain


@pytest.fixture
def climbed(world):
    """Two dev samples, answered by rung A (the first right) and by B (both right): they differ on the second."""
    chain.climb(world, chain.shares(A=0.5, B=1.0))
    return [run["run_id"] for run in runs.latest_ladder(world.conn, world.task.task_id, world.eval_set.name)]


@pytest.fixture
def collected(world):
    """Twelve train samples answered by A (3 right), B (all right) and a third run (none right)."""
    made = []
    for rung, right in (("A", 0.25), ("B", 1.0), ("A", 0.0)):
        plan = runs.Plan(
            eval_set=world.eval_set,
            split="train",
            rung=rung,
            prompt=dict(world.ladder.rungs)[rung],
            model=world.base,
            purpose="collect",
        )
        job_id = runs.start(world.conn, by=world.by, title="Answers", values={}, plans=[plan])
        chain.work(world, chain.shares(**{rung: right}))
        made += [run["run_id"] for run in runs.of_job(world.conn, job_id)]
    return made


@pytest.fixture
def bo():
    return Person(person_id="bo", name="Bo", roles=frozenset(["expert"]))


def open_round(world, run_ids, **more):
    return comparisons.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids, **more)


def waiting(world, round_id, rater="mina", limit=100):
    return comparisons.waiting(world.conn, round_id, rater, limit)


def prefer_the_right_one(world, round_id, by):
    """Choose the answer that is a label, a tie if both are or neither is."""
    for pair in waiting(world, round_id, by.person_id):
        left, right = (text in ("late", "lost", "here") for text in (pair.left, pair.right))
        choice = "tie" if left == right else "left" if left else "right"
        comparisons.choose(world.conn, round_id, pair.pair_id, choice, by=by)


def test_nobody_compares_their_own_words(world, collected, bo):
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=collected[:1], limit=1)
    (item,) = ratings.waiting(world.conn, queue_id, "mina")
    written = "Your parcel is late because of the snow. It comes on Monday."
    failed = Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="fail", correction=written)
    ratings.record(world.conn, failed, by=world.by)
    values = {"text": written, "first": item.answer_id, "run": collected[1]}
    query = """
        update answers set text = $text
        where run_id = $run and sample_id = (select sample_id from answers where answer_id = $first)
    """
    world.conn.execute(query, values)
    round_id = open_round(world, collected[:2])
    (known,) = comparisons.of_task(world.conn, world.task.task_id, "mina")
    pairs = waiting(world, round_id, "bo")
    mine = waiting(world, round_id)
    (own,) = [pair for pair in pairs if written in (pair.left, pair.right)]
    assert (known["total"], known["asked"]) == (len(pairs), len(pairs) - 1) == (len(pairs), len(mine))
    assert own not in mine
    with pytest.raises(Refusal, match="word for word what you wrote"):
        comparisons.choose(world.conn, round_id, own.pair_id, "left", by=world.by)
    comparisons.choose(world.conn, round_id, own.pair_id, "left", by=bo)
    before = blindness.waiting(world.conn, collected[:2], world.by)
    comparisons.undo(world.conn, round_id, by=bo)
    assert blindness.waiting(world.conn, collected[:2], world.by) == before
    assert blindness.waiting(world.conn, collected[:2], bo) == len(pairs) + 1  # the open queue's one answer, too


def test_a_pair_tells_nothing_of_the_versions(world, climbed):
    (pair,) = waiting(world, open_round(world, climbed))
    assert set(pair.__slots__) == {"pair_id", "input", "context", "left", "right"}


def test_equal_answers_are_never_shown_and_count_as_ties(world, climbed, bo):
    round_id = open_round(world, climbed)
    assert len(waiting(world, round_id)) == 1
    prefer_the_right_one(world, round_id, world.by)
    comparisons.lock(world.conn, round_id, by=world.by)
    found = reveals.of_round(world.conn, round_id)
    duel = found.duels[climbed[1], climbed[0]]
    assert (duel.wins, duel.ties, duel.losses, found.identical) == (1, 1, 0, 1)


def test_sides_are_shuffled_with_a_seed_that_is_kept(world, collected):
    round_id = open_round(world, collected)
    query = """
        select count(*) filter (a.run_id = ?) as lefts, count(*) as n from pairs as p
        join answers as a on a.answer_id = p.left_answer join answers as b on b.answer_id = p.right_answer
        where a.run_id = ? or b.run_id = ?
    """
    found = database.row(world.conn, query, [collected[1]] * 3)
    assert found["n"] == 24
    assert 3 <= found["lefts"] <= 21
    seed = database.row(world.conn, "select seed from rounds where round_id = ?", [round_id])["seed"]
    assert (
        f'"seed":{seed}'
        in database.row(world.conn, "select detail from audit_events where act = 'round.opened'")["detail"]
    )


def test_each_rater_has_an_order_of_their_own_that_stays(world, collected):
    round_id = open_round(world, collected)
    mine, theirs = waiting(world, round_id, "mina"), waiting(world, round_id, "bo")
    assert mine == waiting(world, round_id, "mina")
    assert mine != theirs
    assert {one.pair_id for one in mine} == {one.pair_id for one in theirs}


def test_a_choice_is_kept_once_superseded_by_the_next_and_undone(world, climbed):
    round_id = open_round(world, climbed)
    (pair,) = waiting(world, round_id)
    for choice in ("left", "left", "tie"):
        comparisons.choose(world.conn, round_id, pair.pair_id, choice, by=world.by, reason="Shorter.")
    assert waiting(world, round_id) == []
    assert comparisons.undo(world.conn, round_id, by=world.by) == pair.pair_id
    assert comparisons.undo(world.conn, round_id, by=world.by) is None
    assert waiting(world, round_id) == [pair]
    kept = database.rows(world.conn, "select choice, supersedes from preferences order by preference_id")
    assert [row["choice"] for row in kept] == ["left", "tie", "undone"]
    assert [row["supersedes"] is None for row in kept] == [True, False, False]


def test_nothing_is_told_before_the_round_is_locked_and_nothing_is_chosen_after(world, climbed):
    round_id = open_round(world, climbed)
    (pair,) = waiting(world, round_id)
    with pytest.raises(Refusal, match="Nothing has been compared"):
        comparisons.lock(world.conn, round_id, by=world.by)
    comparisons.choose(world.conn, round_id, pair.pair_id, "left", by=world.by)
    with pytest.raises(Refusal, match="still open"):
        reveals.of_round(world.conn, round_id)
    comparisons.lock(world.conn, round_id, by=world.by)
    with pytest.raises(Refusal, match="round is locked"):
        comparisons.choose(world.conn, round_id, pair.pair_id, "right", by=world.by)
    with pytest.raises(Refusal, match="locked already"):
        comparisons.lock(world.conn, round_id, by=world.by)
    assert waiting(world, round_id, "bo") == []


def test_who_still_has_to_compare_must_not_see_the_answers_with_their_versions(world, climbed):
    round_id = open_round(world, climbed, raters=())
    assert blindness.waiting(world.conn, climbed, world.by) == 1
    prefer_the_right_one(world, round_id, world.by)
    assert blindness.waiting(world.conn, climbed, world.by) == 0


def test_three_versions_are_ranked_and_compared_two_by_two(world, collected, bo):
    round_id = open_round(world, collected)
    for rater in (world.by, bo):
        prefer_the_right_one(world, round_id, rater)
    comparisons.lock(world.conn, round_id, by=world.by)
    found = reveals.of_round(world.conn, round_id)
    first, second, third = collected
    duel = found.duels[second, first]
    assert (duel.wins, duel.ties, duel.losses) == (9, 3, 0)
    assert (found.duels[third, second].losses, found.duels[third, first].losses) == (12, 3)
    # nobody won everything: the second tied with the first on 3 samples, and the third with the first on 9
    assert [one.version for one in found.ranking.standings] == [second, first, third]


def test_both_bad_is_a_tie_that_is_counted(world, climbed):
    round_id = open_round(world, climbed)
    (pair,) = waiting(world, round_id)
    comparisons.choose(world.conn, round_id, pair.pair_id, "both_bad", by=world.by)
    comparisons.lock(world.conn, round_id, by=world.by)
    found = reveals.of_round(world.conn, round_id)
    assert (found.both_bad, found.duels[climbed[1], climbed[0]].ties) == (1, 2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"run_ids": slice(0, 1)}, "needs two versions"),
        ({"raters": ("noor",)}, "noor cannot rate"),
    ],
)
def test_a_round_that_makes_no_sense_is_refused(world, climbed, change, sentence):
    with pytest.raises(Refusal, match=sentence):
        open_round(world, climbed[change.get("run_ids", slice(None))], raters=change.get("raters", ()))


def test_runs_over_other_samples_or_with_equal_answers_are_not_compared(world, climbed, collected):
    with pytest.raises(Refusal, match="no sample in common"):
        open_round(world, [climbed[0], collected[0]])
    chain.climb(world, chain.shares(A=1.0, B=1.0))
    same = [run["run_id"] for run in runs.latest_ladder(world.conn, world.task.task_id, world.eval_set.name)]
    with pytest.raises(Refusal, match="All these answers are equal"):
        open_round(world, same)


def test_only_who_is_named_and_may_rate_compares(world, climbed, bo):
    query = "insert into people (person_id, name, password_hash, roles, created_at) values (?, ?, '', ['expert'], ?)"
    world.conn.execute(query, ["bo", "Bo", database.now()])
    round_id = open_round(world, climbed, raters=("bo",))
    (pair,) = waiting(world, round_id, "bo")
    assert waiting(world, round_id, "mina") == []
    with pytest.raises(Refusal, match="for other raters"):
        comparisons.choose(world.conn, round_id, pair.pair_id, "left", by=world.by)
    with pytest.raises(Refusal, match="Only an expert"):
        comparisons.choose(world.conn, round_id, pair.pair_id, "left", by=replace(bo, roles=frozenset(["manager"])))
    with pytest.raises(Refusal, match="Only an operator"):
        comparisons.lock(world.conn, round_id, by=bo)
