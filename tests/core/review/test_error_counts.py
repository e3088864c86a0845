"""Mistakes and samples that tell nothing, counted in a real database from ratings that real functions wrote."""

from dataclasses import replace

import pytest

from core.evaluation import runs
from core.review import error_counts, item_quality, queues, ratings
from core.store import database
from tests import chain


@pytest.fixture
def world(settings, mina):
    """Ten dev samples on two rungs: A is right on the first two, B on the first six."""
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=10, train=1, gate=1, retain=1)
    chain.climb(world, chain.shares(A=0.2, B=0.6))
    yield world
    connection.close()


def rung(world, name):
    return [run["run_id"] for run in _runs(world) if run["rung"] == name]


def _runs(world):
    return runs.latest_ladder(world.conn, world.task.task_id, world.eval_set.name)


def judge(world, name, say, by=None):
    """Have one rater judge every answer of a rung; `say` maps the sample's number to error types, None passes."""
    by = by or world.by
    run_ids = rung(world, name)
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids)
    query = """
        select a.answer_id, p.key from answers as a join samples as p using (sample_id)
        where a.run_id = ? order by p.key
    """
    for answer_id, key in world.conn.execute(query, run_ids).fetchall():
        kinds = say(int(key.rpartition("-")[2]))
        verdict = "pass" if kinds is None else "fail"
        said = ratings.Rating(queue_id=queue_id, answer_id=answer_id, verdict=verdict, error_types=kinds or ())
        ratings.record(world.conn, said, by=by)


def test_shares_are_of_samples_and_two_raters_of_one_answer_are_one_sample(world):
    judge(world, "A", lambda n: None if n < 2 else ("format",) if n < 6 else ("style", "format"))
    judge(world, "A", lambda n: None if n < 4 else ("style",), by=replace(world.by, person_id="ada"))
    # named: samples 2..9. format: whole on 2 and 3, half on 4..9. style: half on 4 and 5, and from 6 on by both
    found = error_counts.of_runs(world.conn, rung(world, "A"))
    assert {kind: rate.n for kind, rate in found.items()} == {"format": 8, "style": 8}
    assert found["format"].value == pytest.approx((2 + 6 / 2) / 8)
    assert found["style"].value == pytest.approx((2 / 2 + 4) / 8)
    assert error_counts.of_runs(world.conn, []) == {}


def test_a_judgement_that_was_changed_counts_as_it_stands_now(world):
    judge(world, "A", lambda n: ("style",))
    judge(world, "A", lambda n: ("format",))
    assert set(error_counts.of_runs(world.conn, rung(world, "A"))) == {"format"}


def test_two_versions_are_compared_on_the_samples_that_people_judged_with_both(world):
    judge(world, "A", lambda n: None if n < 2 else ("format",))
    judge(world, "B", lambda n: None if n < 6 else ())
    sides = error_counts.between(world.conn, rung(world, "A"), rung(world, "B"), ["format", "style"])
    assert (sum(sides["format"].before), sum(sides["format"].after)) == (8, 0)
    assert (sum(sides[error_counts.FAILED].before), sum(sides[error_counts.FAILED].after)) == (8, 4)
    assert len(sides["style"].groups) == 10
    assert len(error_counts.between(world.conn, rung(world, "A"), [], ["style"])["style"].before) == 0
    both = error_counts.versions(world.conn, world.task.task_id)
    assert [(one["rung"], one["answers"], one["trials"]) for one in both] == [("A", 10, []), ("B", 10, [])]


def test_in_two_queues_over_the_same_answers_the_newest_word_of_each_rater_counts_everywhere(world):
    """Every figure is the one that a plain loop over the newest words gives."""
    ada = replace(world.by, person_id="ada")
    for name in "AB":
        judge(world, name, lambda n: ("format", "style") if n % 2 else None)
        judge(world, name, lambda n: None if n % 3 else ("style",), by=ada)  # another queue
        judge(world, name, lambda n: ("format",) if n < 4 else () if n < 6 else None)  # a third
    query = "select queue_id, answer_id from ratings where rater = 'ada' order by rating_id limit 3"
    for queue_id, answer_id in world.conn.execute(query).fetchall():
        assert ratings.undo(world.conn, queue_id, by=ada, answer_id=answer_id)
    query = """
        select r.rater, r.answer_id, r.verdict, r.error_types, a.sample_id, a.run_id
        from ratings as r join answers as a using (answer_id) order by rating_id
    """
    newest = {(row["rater"], row["answer_id"]): row for row in database.rows(world.conn, query)}
    words = [row for row in newest.values() if row["verdict"] in ("pass", "fail")]
    assert len(words) == 2 * 20 - 3

    def share(run_ids, kind, among):
        """Per sample the mean over its answers of the share of their raters; `among` chooses the words that count."""
        said = {}
        for one in words:
            if one["run_id"] in run_ids and among(one):
                it = one["verdict"] == "fail" and (kind == error_counts.FAILED or kind in one["error_types"])
                said.setdefault(one["sample_id"], {}).setdefault(one["answer_id"], []).append(it)
        return {
            sample: sum(sum(its) / len(its) for its in answers.values()) / len(answers)
            for sample, answers in said.items()
        }

    before, after = rung(world, "A"), rung(world, "B")
    found = error_counts.of_runs(world.conn, before + after)
    for kind in ("format", "style"):
        shares = share(before + after, kind, lambda one: one["error_types"])
        assert found[kind].n == len(shares)
        assert found[kind].value == pytest.approx(sum(shares.values()) / len(shares))
    sides = error_counts.between(world.conn, before, after, ["format", "style"])
    groups = dict(world.conn.execute("select sample_id, group_id from samples").fetchall())
    for kind, side in sides.items():
        old, new = (share(runs_of, kind, lambda one: True) for runs_of in (before, after))
        both = sorted(old.keys() & new.keys())
        assert list(side.before) == pytest.approx([old[one] for one in both]), kind
        assert list(side.after) == pytest.approx([new[one] for one in both]), kind
        assert len(set(side.groups)) == len({groups[one] for one in both})
    split = {
        one["sample_id"]
        for one in words
        if {"pass", "fail"} == {other["verdict"] for other in words if other["answer_id"] == one["answer_id"]}
    }
    _, first = item_quality.of_task(world.conn, world.task.task_id, "correct")
    assert {row["sample_id"] for row in first["split"]} == split
    assert 0 < len(split) < 10
    assert {len(one["ratings"]) for one in error_counts.examples(world.conn, before, "style")} <= {1, 2}


def test_examples_come_with_what_raters_said(world):
    judge(world, "A", lambda n: ("format",) if n == 3 else None)
    (one,) = error_counts.examples(world.conn, rung(world, "A"), "format")
    assert (one["key"], one["ratings"][0]["error_types"]) == ("dev-3", ["format"])
    assert error_counts.examples(world.conn, rung(world, "A"), "style") == []
    assert len(error_counts.examples(world.conn, rung(world, "A"), error_counts.FAILED)) == 1


def test_samples_that_always_pass_always_fail_or_split_the_raters_are_found(world):
    judge(world, "A", lambda n: None)
    judge(world, "A", lambda n: ("format",) if n == 5 else None, by=replace(world.by, person_id="ada"))
    found, first = item_quality.of_task(world.conn, world.task.task_id, "correct")
    assert {kind: (round(rate.value * rate.n), rate.n) for kind, rate in found.rates.items()} == {
        "always_pass": (2, 10),
        "always_fail": (4, 10),
        "split": (1, 10),
    }
    assert [(row["key"], row["versions"]) for row in first["split"]] == [("dev-5", 2)]
    assert [(row["key"], row["share"]) for row in first["always_pass"]] == [("dev-0", 1.0), ("dev-1", 1.0)]
    _, only = item_quality.of_task(world.conn, world.task.task_id, "correct", limit=1)
    assert {kind: [row["key"] for row in rows] for kind, rows in only.items()} == {
        kind: [row["key"] for row in rows[:1]] for kind, rows in first.items()
    }
    nothing, none = item_quality.of_task(world.conn, "no such task", "correct")
    assert str(nothing.sentences[0]).startswith("Not enough evidence yet")
    assert not any(none.values())
