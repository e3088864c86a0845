"""What people say of each answer, counted once, is what counting all ratings gives: random raters, real writers."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from core.evaluation import runs
from core.review import agreement, error_counts, queues, ratings
from core.store import database
from tests import chain

KINDS = ("knowledge", "reasoning", "style", "format")


@pytest.fixture
def world(settings, mina):
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=8, train=1, gate=1, retain=1)
    chain.climb(world, chain.shares(A=0.2, B=0.6))
    yield world
    connection.close()


def ids_of(world):
    return [run["run_id"] for run in runs.latest_ladder(world.conn, world.task.task_id, world.eval_set.name)]


def judge_at_random(world, of_queues, seed):
    """Three raters, who change their minds, skip, and take back what they said."""
    random = np.random.default_rng(seed)
    for queue_id, run_ids in of_queues.items():
        query = "select answer_id from answers where list_contains(?, run_id) order by answer_id"
        answers = [answer for (answer,) in world.conn.execute(query, [run_ids]).fetchall()]
        for _ in range(40):
            by = replace(world.by, person_id=str(random.choice(["ada", "bo", "cy"])))
            answer, verdict = str(random.choice(answers)), str(random.choice(["pass", "fail", "fail", "skip"]))
            kinds = tuple(random.permutation(KINDS)[: random.integers(0, 3)]) if verdict == "fail" else ()
            said = ratings.Rating(queue_id=queue_id, answer_id=answer, verdict=verdict, error_types=kinds)
            ratings.record(world.conn, said, by=by)
            if random.random() < 0.2:
                ratings.undo(world.conn, queue_id, by=by)


def newest(world):
    """answer -> rater -> verdict and error types of their newest word, in whatever queue; and answer -> sample, run."""
    said, places = defaultdict(dict), {}
    query = """
        select answer_id, sample_id, run_id, rater, verdict, error_types from ratings join answers using (answer_id)
        order by rating_id
    """
    for answer, sample, run, rater, verdict, kinds in world.conn.execute(query).fetchall():
        said[answer][rater] = (verdict, kinds)
        places[answer] = (sample, run)
    return said, places


def shares_by_hand(world, run_ids, named_only):
    """sample -> error type -> share, averaged over raters and then over answers; "" is having failed."""
    said, places = newest(world)
    answers = defaultdict(list)
    for answer, words in said.items():
        judged = [word for word in words.values() if word[0] in ("pass", "fail")]
        counted = [word for word in judged if word[0] == "fail" and word[1]] if named_only else judged
        if places[answer][1] in run_ids and counted:
            share = {kind: sum(kind in word[1] for word in counted) / len(counted) for kind in KINDS}
            share[""] = sum(word[0] == "fail" for word in counted) / len(counted)
            answers[places[answer][0]].append(share)
    return {
        sample: {kind: sum(one[kind] for one in found) / len(found) for kind in ("", *KINDS)}
        for sample, found in answers.items()
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shared", [False, True], ids=["a queue each", "queues about the same runs"])
def test_tallies_are_what_all_ratings_come_to(world, seed, shared):
    ids = ids_of(world)
    asked = [ids, ids[:1], ids] if shared else [ids[:1], ids[1:]]
    made = {
        queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids): run_ids
        for run_ids in asked
    }
    judge_at_random(world, made, seed)
    kept = world.conn.execute("from tallies order by answer_id").fetchall()
    assert len(kept) > 10
    assert kept == world.conn.execute("from tally(null) order by answer_id").fetchall()
    said, _ = newest(world)
    for answer, _run, _sample, passed, failed, _points, named, kinds in kept:
        words = list(said[answer].values())
        assert (passed, failed) == tuple(sum(word[0] == verdict for word in words) for verdict in ("pass", "fail"))
        told = [word[1] for word in words if word[0] == "fail" and word[1]]
        assert named == len(told)
        assert sorted(kinds.split(chr(31)) if kinds else []) == sorted(kind for one in told for kind in one)

    # error types of failed samples, and what changed between two versions
    by_hand = shares_by_hand(world, ids, named_only=True)
    found = error_counts.of_runs(world.conn, ids)
    assert found
    for kind, rate in found.items():
        assert (rate.n, rate.value) == (len(by_hand), pytest.approx(np.mean([one[kind] for one in by_hand.values()])))
    before, after = (shares_by_hand(world, [one], named_only=False) for one in ids)
    both = sorted(set(before) & set(after))
    for kind, sides in error_counts.between(world.conn, ids[:1], ids[1:], KINDS).items():
        assert list(sides.before) == pytest.approx([before[sample][kind] for sample in both], abs=1e-9)
        assert list(sides.after) == pytest.approx([after[sample][kind] for sample in both], abs=1e-9)

    # agreement, by the database and answer by answer
    newest_queue = next(reversed(made))
    one_by_one = agreement.of_queue(world.conn, newest_queue, "nobody").overall
    if one_by_one.n:
        added_up = agreement.of_task(world.conn, world.task.task_id, "nobody")
        assert added_up.n == one_by_one.n
        assert added_up.value == pytest.approx(one_by_one.value, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_samples_and_judges_are_told_as_before_from_ratings_one_by_one(world, seed):
    """The macros of the released schema, kept in its frozen files, give the same rows."""
    ids = ids_of(world)
    made = {queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=ids): ids for _ in range(2)}
    judge_at_random(world, made, seed)
    world.conn.execute("""
        insert into judgings by name
        select run_id as judging_id, 'J' as judge_id, task_id, job_id, run_id, 8 as planned,
            'x' as created_by, created_at from runs
        """)
    world.conn.execute("""
        insert into judgements by name select 'u' || answer_id as judgement_id, run_id as judging_id, answer_id,
            false as swapped, if(hash(answer_id) % 2 = 0, 'pass', 'fail') as verdict, '' as rationale, '' as reply,
            false as repaired from answers
        """)
    looks = {
        "from item_quality(?, 'correct', 2) order by all": [world.task.task_id],
        "from judge_beside_people(?, null) order by all": ["J"],
    }
    now = [world.conn.execute(query, values).fetchall() for query, values in looks.items()]
    for name in ("029_quick_diagnosis.sql", "030_newest_words.sql"):
        world.conn.execute(
            (database.MIGRATIONS / name).read_text("utf-8").replace("create macro", "create or replace macro")
        )
    before = [world.conn.execute(query, values).fetchall() for query, values in looks.items()]
    assert any(row[4] for row in now[0])  # raters split on some sample
    for found, known in zip(now, before, strict=True):
        assert len(found) > 5
        for row, other in zip(found, known, strict=True):
            assert row == tuple(
                None if one != one else pytest.approx(one) if isinstance(one, float) else one for one in other
            )
