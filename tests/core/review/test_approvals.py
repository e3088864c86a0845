from dataclasses import replace

import pytest

from core.errors import Refusal
from core.evaluation import eval_sets, runs
from core.review import approvals, queues, ratings
from core.review.ratings import Rating
from core.store import database
from tests import chain


@pytest.fixture
def rated(world, queue_id):
    """All 12 train answers judged: 3 pass, 9 are corrected."""
    chain.rate(world, queue_id)
    return world


def candidates(world):
    return approvals.candidates(world.conn, world.task.task_id)


def decide(world, sample_ids, decision="approved", **more):
    return approvals.decide(
        world.conn, task_id=world.task.task_id, sample_ids=sample_ids, decision=decision, **{"by": world.by, **more}
    )


def test_what_passed_or_was_corrected_is_a_candidate_with_the_text_to_approve(rated):
    found = candidates(rated)
    assert [row["origin"] for row in found].count("as_is") == 3
    assert [row["origin"] for row in found].count("corrected") == 9
    assert all(row["completion"] == row["reference"] for row in found)


def test_what_failed_without_a_correction_was_skipped_or_undone_is_no_candidate(world, queue_id):
    failed, skipped, undone, passed = ratings.waiting(world.conn, queue_id, "mina", limit=4)
    for item, verdict in ((failed, "fail"), (skipped, "skip"), (passed, "pass"), (undone, "pass")):
        ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=item.answer_id, verdict=verdict), by=world.by)
    ratings.undo(world.conn, queue_id, by=world.by)
    assert [row["answer_id"] for row in candidates(world)] == [passed.answer_id]


@pytest.mark.parametrize("split", ["dev", "gate", "retain"])
def test_answers_to_other_splits_are_never_candidates(world, split):
    rung, prompt = world.ladder.rungs[0]
    plan = runs.Plan(
        eval_set=world.eval_set, split=split, rung=rung, prompt=prompt, model=world.base, purpose="collect"
    )
    job_id = runs.start(world.conn, by=world.by, title="Locked answers", values={}, plans=[plan])
    chain.work(world)
    run_ids = [run["run_id"] for run in runs.of_job(world.conn, job_id)]
    chain.rate(world, queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids))
    assert database.row(world.conn, "select count(*) as n from ratings")["n"] == world.eval_set.counts[split]
    assert candidates(world) == []
    sample = eval_sets.samples(world.conn, world.eval_set.eval_set_id, split)[0]
    with pytest.raises(Refusal, match="no longer waiting"):
        decide(world, [sample.sample_id])


def test_approving_takes_the_samples_off_the_list_and_keeps_text_and_name(rated):
    first, second = [row["sample_id"] for row in candidates(rated)][:2]
    assert decide(rated, [first, second]) == 2
    assert len(candidates(rated)) == 10
    approved = approvals.approved(rated.conn, rated.task.task_id)
    assert [(row["sample_id"], row["decided_by"]) for row in approved] == [(first, "mina"), (second, "mina")]
    assert approved[0]["completion"] == approved[0]["reference"]


def test_nobody_approves_what_is_not_waiting_and_then_nothing_is_approved(rated):
    first = candidates(rated)[0]["sample_id"]
    decide(rated, [first])
    with pytest.raises(Refusal, match="1 of the chosen samples are no longer waiting"):
        decide(rated, [first, candidates(rated)[0]["sample_id"]])
    assert len(approvals.approved(rated.conn, rated.task.task_id)) == 1


def test_a_rejection_needs_a_reason_and_takes_the_sample_off_the_list(rated):
    first = candidates(rated)[0]["sample_id"]
    with pytest.raises(Refusal, match="A rejection needs a reason"):
        decide(rated, [first], "rejected", reason=" ")
    decide(rated, [first], "rejected", reason="The rule has changed.")
    assert first not in {row["sample_id"] for row in candidates(rated)}


def test_a_withdrawn_approval_needs_a_reason_and_waits_again(rated):
    first = candidates(rated)[0]["sample_id"]
    decide(rated, [first])
    task_id = rated.task.task_id
    with pytest.raises(Refusal, match="A withdrawal needs a reason"):
        approvals.withdraw(rated.conn, by=rated.by, task_id=task_id, sample_id=first, reason="")
    approvals.withdraw(rated.conn, by=rated.by, task_id=task_id, sample_id=first, reason="Outdated.")
    assert approvals.approved(rated.conn, task_id) == []
    assert first in {row["sample_id"] for row in candidates(rated)}
    with pytest.raises(Refusal, match="not approved, so there is nothing to withdraw"):
        approvals.withdraw(rated.conn, by=rated.by, task_id=task_id, sample_id=first, reason="Again.")


def test_only_an_approver_decides(rated):
    expert = replace(rated.by, roles=frozenset({"expert", "operator"}))
    with pytest.raises(Refusal, match="Only an approver"):
        decide(rated, [candidates(rated)[0]["sample_id"]], by=expert)


def test_every_decision_is_audited_with_its_samples(rated):
    first, second = [row["sample_id"] for row in candidates(rated)][:2]
    decide(rated, [first])
    decide(rated, [second], "rejected", reason="Unclear.")
    query = "select act, detail from audit_events where starts_with(act, 'samples.') order by seq"
    events = database.rows(rated.conn, query)
    assert [event["act"] for event in events] == ["samples.approved", "samples.rejected"]
    assert first in events[0]["detail"]
    assert second in events[1]["detail"]
