from collections.abc import Iterator

import pytest

from core.access.people import Person
from core.evaluation import answers
from core.jobs import jobs, supervisor
from core.release import proofs
from core.settings import Settings
from core.store import database
from core.training import trials
from tests import chain
from tests.chain import World


@pytest.fixture
def world(settings: Settings, mina: Person) -> Iterator[World]:
    """Approved and ready to train; 40 gate and 60 retain samples. It has to beat rung B."""
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=4, train=6, gate=40, retain=60)
    chain.climb(world)
    chain.to_approval(world)
    yield world
    connection.close()


def prove(world, right):
    report = proofs.report(world.conn, chain.train(world, right))
    assert report is not None
    return report


def rungs(world, trial_id):
    return [(run["split"], run["side"], run["rung"]) for run in proofs.runs_of(world.conn, trial_id)]


def test_the_proof_follows_the_training_by_itself(world):
    trial_id = chain.train(world, finish=False)
    assert proofs.runs_of(world.conn, trial_id) == []
    assert proofs.report(world.conn, trial_id) is None
    chain.work(world)
    assert rungs(world, trial_id) == [
        ("dev", "after", "after"),
        ("gate", "before", "B"),
        ("gate", "after", "after"),
        ("retain", "before", "before"),
        ("retain", "after", "after"),
    ]
    assert trials.find(world.conn, trial_id)["model_name"] == "Base · v1"


def test_nobody_peeks_before_every_answer_is_in(world):
    trial_id = chain.train(world, finish=False)
    script = chain.Scripted(world.conn, chain.MIDDLING)
    while not proofs.runs_of(world.conn, trial_id):
        supervisor.step(world.settings, world.conn, script)
    job_id = proofs.runs_of(world.conn, trial_id)[0]["job_id"]
    jobs.stop(world.conn, world.settings, job_id, by=world.by)
    rows = script.answers(job_id)
    answers.keep(world.conn, job_id, rows[:-1])
    assert sum(run["answered"] for run in proofs.runs_of(world.conn, trial_id)) == len(rows) - 1
    assert proofs.report(world.conn, trial_id) is None
    answers.keep(world.conn, job_id, rows[-1:])
    assert proofs.report(world.conn, trial_id) is not None


def test_fixed_broken_and_unchanged_are_counted_and_named(world):
    # before: right on the first 20 of 40; after: on the last 36. So 4 break, 20 are fixed, 16 stay.
    report = prove(world, chain.shares(B=0.5, after=0.9))
    paired = report.gate.paired
    assert (paired.fixed, paired.broken, paired.unchanged) == (20, 4, 16)
    assert paired.mean == pytest.approx((20 - 4) / 40)
    changes = [flip.change for flip in report.flips["gate"]]
    assert [changes.count(change) for change in ("fixed", "broken", "unchanged")] == [20, 4, 16]
    critical = next(flip for flip in report.flips["gate"] if flip.critical)  # the very first sample
    assert critical.change == "broken"
    assert (critical.before, critical.after) == (critical.reference, "I am not sure.")


def test_a_clear_gain_that_breaks_nothing_passes(world):
    report = prove(world, chain.shares(B=0.25, before=1.0, after=1.0))
    assert report.proof.passed
    assert str(report.proof.sentence).startswith("Better on 40 gate samples: +75 points, 95% interval +56 to")
    assert "nothing else broke on 60 retain samples: 0 points" in str(report.proof.sentence)


def test_a_gain_that_breaks_the_retain_samples_does_not_pass(world):
    def right(run, place, count):
        return (run["side"] == "after") == (run["split"] == "gate")

    report = prove(world, right)
    assert (report.proof.verdict, report.proof.passed) == ("broke", False)
    assert "but something broke on 60 retain samples: -100 points" in str(report.proof.sentence)


def test_as_many_fixed_as_broken_is_no_proof(world):
    def right(run, place, count):
        """Three samples become right, three wrong, the others stay."""
        return (place < 3) == (run["side"] == "after") if place < 6 else place % 2 == 0

    report = prove(world, right)
    assert report.gate.paired.mean == 0
    assert report.gate.paired.low < 0 < report.gate.paired.high
    assert not report.proof.passed


def test_the_baseline_is_the_rung_chosen_before_and_every_rung_is_in_the_report(world):
    report = prove(world, chain.shares(A=1.0, B=0.5, after=0.75))
    assert report.trial["baseline_rung"] == "B"
    assert report.gate.before.value == pytest.approx(0.5)
    assert [run["rung"] for run in report.runs if run["split"] == "gate"] == ["B", "after"]
    assert [run["rung"] for run in report.ladder][-1] == "after"


def test_failed_calls_are_counted_apart_and_not_as_wrong(world):
    def right(run, place, count):
        return None if run["side"] == "after" and run["split"] == "gate" and place < 5 else True

    report = prove(world, right)
    assert report.failures == 5
    assert (report.gate.paired.n, report.gate.paired.broken) == (35, 0)
    assert report.gate.after.value == 1
    assert len(report.flips["gate"]) == 35


def test_every_metric_has_its_own_comparison(world):
    report = prove(world, chain.MIDDLING)
    assert set(report.pairs) == {("gate", "correct"), ("retain", "correct")}
