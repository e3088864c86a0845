from dataclasses import replace

import pytest

from core.errors import Refusal
from core.evaluation import eval_sets, models, runs
from core.review import adjudication, approvals, coverage, obstacles, queues, ratings
from core.review.adjudication import Decision
from core.review.ratings import Rating
from core.store import database
from core.training import trials, withdrawals
from tests import chain


@pytest.fixture
def rated(world, queue_id):
    """All 12 train answers judged: 3 pass, 9 are corrected."""
    chain.rate(world, queue_id)
    return world


def candidates(world):
    return approvals.candidates(world.conn, world.task.task_id)


def decide(world, sample_ids, decision="approved", **more):
    approvals.look(world.conn, by=world.by, task_id=world.task.task_id, sample_ids=sample_ids)
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
    query = "select act, detail from audit_events where act in ('samples.approved', 'samples.rejected') order by seq"
    events = database.rows(rated.conn, query)
    assert [event["act"] for event in events] == ["samples.approved", "samples.rejected"]
    assert first in events[0]["detail"]
    assert second in events[1]["detail"]


def twin(world, split, of=0, reference=None):
    """A further sample of the split that asks in other words what the train sample number `of` asks."""
    train = eval_sets.samples(world.conn, world.eval_set.eval_set_id, "train")[of]
    row = replace(chain.row(split, 99), key="twin", input=train.input.upper() + "!", group_id="twin")
    if reference is not None:
        row = replace(row, reference=reference)
    eval_sets.save(world.conn, by=world.by, task_id=world.task.task_id, name="Twins", rows=[row], scorer="exact")
    return train


@pytest.mark.parametrize("split", ["gate", "retain"])
def test_what_a_locked_sample_asks_too_is_refused_with_the_pair(rated, split):
    train = twin(rated, split)
    found = obstacles.of(rated.conn, rated.task.task_id, candidates(rated))
    assert list(found) == [train.sample_id]
    assert (found[train.sample_id].kind, found[train.sample_id].key) == ("locked", "twin")
    with pytest.raises(Refusal, match="nearly what the locked sample twin asks"):
        decide(rated, [train.sample_id])
    decide(rated, [train.sample_id], "rejected", reason="The gate asks it.")


def test_the_same_question_with_the_same_answer_is_approved_once():
    row = {"context": "", "completion": "late"}
    kept = [{**row, "sample_id": "1", "key": "one", "input": "Where is my parcel from Lyon?"}]
    again = {**row, "sample_id": "2", "key": "two", "input": "Where is my parcel from  LYON ?"}
    assert obstacles._repeated(again, kept).key == "one"
    assert obstacles._repeated({**again, "input": "How much is a stamp?"}, kept) is None
    assert obstacles._repeated({**again, "completion": "lost"}, kept) is None, "one word may make the difference"
    assert obstacles._repeated({**again, "input": kept[0]["input"], "completion": "lost"}, kept).likeness == 100


def test_several_are_approved_only_by_somebody_who_has_seen_each(rated):
    first, second, third = [row["sample_id"] for row in candidates(rated)][:3]
    task_id = rated.task.task_id
    approvals.look(rated.conn, by=rated.by, task_id=task_id, sample_ids=[first])
    bulk = {"by": rated.by, "task_id": task_id, "sample_ids": [first, second], "decision": "approved"}
    with pytest.raises(Refusal, match="1 of these you have not looked at"):
        approvals.decide(rated.conn, **bulk)
    approvals.look(rated.conn, by=rated.by, task_id=task_id, sample_ids=[first, second])
    assert approvals.decide(rated.conn, **bulk) == 2
    assert approvals.decide(rated.conn, **{**bulk, "sample_ids": [third]}) == 1
    event = database.row(rated.conn, "select * from audit_events where act = 'samples.seen' order by seq desc limit 1")
    assert second in event["detail"]
    assert first not in event["detail"], "what was seen before is not noted again"


def test_a_text_that_has_changed_has_to_be_looked_at_anew(rated, queue_id):
    row = next(one for one in candidates(rated) if one["origin"] == "corrected")
    task_id = rated.task.task_id
    approvals.look(rated.conn, by=rated.by, task_id=task_id, sample_ids=[row["sample_id"]])
    assert approvals.seen(rated.conn, rated.by, task_id) == {row["sample_id"]}
    again = Rating(queue_id=queue_id, answer_id=row["answer_id"], verdict="fail", correction="Quite another text")
    ratings.record(rated.conn, again, by=rated.by)
    assert approvals.seen(rated.conn, rated.by, task_id) == set()


def test_a_disputed_answer_waits_for_the_leads_decision(world, queue_id):
    bo = replace(world.by, person_id="bo")
    item = ratings.waiting(world.conn, queue_id, "mina")[0]
    for by, said in (
        (world.by, {"verdict": "pass"}),
        (bo, {"verdict": "fail", "correction": "lost"}),
    ):
        ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=item.answer_id, **said), by=by)
    assert candidates(world) == []
    decision = Decision(
        queue_id=queue_id, answer_id=item.answer_id, verdict="fail", reason="The desk knows.", correction="here"
    )
    adjudication.decide(world.conn, decision, by=world.by)
    (row,) = candidates(world)
    assert (row["completion"], row["origin"], row["decided"], row["rating_id"]) == ("here", "corrected", True, None)
    assert decide(world, [row["sample_id"]]) == 1


def test_an_answer_that_wants_two_ratings_is_a_candidate_after_the_second(world, queue_id):
    run_ids = database.row(world.conn, "select run_ids from queues")["run_ids"]
    twice = queues.create(
        world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids, limit=1, terms=queues.Terms(each=2)
    )
    (item,) = ratings.waiting(world.conn, twice, "mina")
    ratings.record(world.conn, Rating(queue_id=twice, answer_id=item.answer_id, verdict="pass"), by=world.by)
    assert candidates(world) == []
    bo = replace(world.by, person_id="bo")
    ratings.record(world.conn, Rating(queue_id=twice, answer_id=item.answer_id, verdict="pass"), by=bo)
    assert [(row["answer_id"], row["passed"]) for row in candidates(world)] == [(item.answer_id, 2)]


def test_a_model_that_learned_from_a_withdrawn_sample_is_marked_until_it_is_approved_again(rated):
    chain.approve(rated)
    trial = trials.find(rated.conn, chain.train(rated))
    assert withdrawals.by_model(rated.conn) == {}
    first = approvals.approved(rated.conn, rated.task.task_id)[0]
    approvals.withdraw(
        rated.conn, by=rated.by, task_id=rated.task.task_id, sample_id=first["sample_id"], reason="Outdated."
    )
    ((row,),) = withdrawals.by_model(rated.conn).values()
    assert list(withdrawals.by_model(rated.conn)) == [trial["model_id"]]
    assert (row["key"], row["decided_by"], row["reason"]) == (first["key"], "mina", "Outdated.")
    event = database.row(rated.conn, "select detail from audit_events where act = 'samples.withdrawn'")
    assert trial["model_id"] in event["detail"]
    decide(rated, [first["sample_id"]])
    assert withdrawals.by_model(rated.conn) == {}


def test_a_model_that_was_made_from_a_marked_one_is_marked_too(rated):
    chain.approve(rated)
    first = models.find(rated.conn, trials.find(rated.conn, chain.train(rated))["model_id"])
    lost = approvals.approved(rated.conn, rated.task.task_id)[0]
    approvals.withdraw(
        rated.conn, by=rated.by, task_id=rated.task.task_id, sample_id=lost["sample_id"], reason="Outdated."
    )
    second = models.find(rated.conn, trials.find(rated.conn, chain.train(rated, goes_on=first))["model_id"])
    folder = chain.other_model(rated, first.model_id)  # as a merged folder is named
    other = trials.find(rated.conn, chain.train(rated))["model_id"]
    marked = withdrawals.by_model(rated.conn)
    assert set(marked) == {first.model_id, second.model_id, folder.model_id}
    told = [[(row["key"], row["learned_by"]) for row in rows] for rows in marked.values()]
    assert told == [[(lost["key"], first.name)]] * 3
    assert other not in marked, "it learned without the sample, and from nobody who had it"
    assert withdrawals.learned_from(rated.conn, lost["sample_id"]) == sorted(marked)


def test_coverage_counts_tags_and_corrected_error_types(rated):
    corrected = [row["sample_id"] for row in candidates(rated) if row["origin"] == "corrected"]
    decide(rated, corrected[:4])
    assert coverage.by_error_type(rated.conn, rated.task.task_id) == [
        {"type": "knowledge", "samples": 9, "approved": 4}
    ]
    rated.conn.execute("update samples set tags = ['en'] where split = 'train'")
    assert coverage.by_tag(rated.conn, rated.task.task_id) == [{"tag": "en", "samples": 12, "approved": 4}]
