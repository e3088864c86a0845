"""Flags, and what nobody may see while an answer waits for their own judgement."""

import pytest

from core.access.people import Person
from core.errors import Refusal
from core.review import adjudication, approvals, blindness, flags, queues, ratings
from core.review.adjudication import Decision
from core.review.queues import Terms
from core.review.ratings import Rating
from core.store import database


@pytest.fixture
def people(world):
    """Ann and Bo, who rate, and Lee, who rates and decides."""
    held = {"ann": ["expert"], "bo": ["expert"], "lee": ["expert", "approver"]}
    rows = [{"person_id": one, "name": one.title(), "password_hash": "", "roles": roles} for one, roles in held.items()]
    database.insert(world.conn, "people", [{**row, "created_at": database.now()} for row in rows])
    return [Person(person_id=one, name=one.title(), roles=frozenset(roles)) for one, roles in held.items()]


@pytest.fixture
def answers(world, queue_id):
    """The ids of the queue's answers; it leaves each open to every rater."""
    return sorted(queues.states(world.conn, queue_id))


def say(world, queue_id, answer, person, verdict, **more):
    ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=answer, verdict=verdict, **more), by=person)


def standing(world):
    return [(one["answer_id"], one["rater"], one["note"]) for one in flags.standing(world.conn, world.task.task_id)]


def test_a_flag_stands_with_its_note_until_it_is_taken_back_or_closed_with_a_reason(world, queue_id, people, answers):
    ann, bo, lee = people
    first, second, third = answers[:3]
    say(world, queue_id, first, ann, "pass", flagged=True, note="Look at the tone.")
    say(world, queue_id, second, ann, "skip", flagged=True)
    say(world, queue_id, third, bo, "fail")
    assert standing(world) == [(first, "ann", "Look at the tone."), (second, "ann", "")]
    ratings.undo(world.conn, queue_id, by=ann, answer_id=second)
    (one,) = flags.standing(world.conn, world.task.task_id)
    say(world, queue_id, first, lee, "pass")
    for reason, by, sentence in (("", lee, "needs a reason"), ("Fine.", bo, "Only an approver")):
        with pytest.raises(Refusal, match=sentence):
            flags.close(world.conn, one["rating_id"], by=by, reason=reason)
    flags.close(world.conn, one["rating_id"], by=lee, reason=" The tone is ours. ")
    assert standing(world) == []
    with pytest.raises(Refusal, match="closed already"):
        flags.close(world.conn, one["rating_id"], by=lee, reason="Once more.")
    with pytest.raises(Refusal, match="closed already"):
        flags.close(world.conn, 999, by=lee, reason="No such flag.")
    (done,) = flags.closed(world.conn, world.task.task_id)
    assert (done["reason"], done["closed_by"], done["rater"]) == ("The tone is ours.", "lee", "ann")
    (event,) = database.rows(world.conn, "select actor, subject, detail from audit_events where act = 'flag.closed'")
    assert (event["actor"], event["subject"]) == ("lee", first)
    assert "The tone is ours." in event["detail"]


def test_a_newer_flagged_rating_is_a_new_flag(world, queue_id, people, answers):
    ann, _, lee = people
    say(world, queue_id, answers[0], ann, "pass", flagged=True)
    say(world, queue_id, answers[0], lee, "pass")
    (one,) = flags.standing(world.conn, world.task.task_id)
    flags.close(world.conn, one["rating_id"], by=lee, reason="Fine.")
    say(world, queue_id, answers[0], ann, "fail", flagged=True, note="Still odd.")
    assert standing(world) == [(answers[0], "ann", "Still odd.")]


def test_what_waits_for_the_leads_own_judgement_can_neither_be_decided_approved_nor_closed(
    world, queue_id, people, answers
):
    ann, bo, lee = people
    answer, other = answers[:2]
    say(world, queue_id, answer, ann, "pass", flagged=True)
    say(world, queue_id, answer, bo, "fail", correction="late, sorry")
    say(world, queue_id, other, ann, "pass")
    decision = Decision(queue_id=queue_id, answer_id=answer, verdict="pass", reason="By the guidelines.")
    (flag,) = flags.standing(world.conn, world.task.task_id)
    (candidate,) = approvals.candidates(world.conn, world.task.task_id)
    wanted = {"by": lee, "task_id": world.task.task_id, "sample_ids": [candidate["sample_id"]]}
    for act in (
        lambda: adjudication.decide(world.conn, decision, by=lee),
        lambda: flags.close(world.conn, flag["rating_id"], by=lee, reason="Fine."),
        lambda: approvals.look(world.conn, **wanted),
        lambda: approvals.decide(world.conn, **wanted, decision="approved"),
    ):
        with pytest.raises(Refusal, match="1 of these answers wait for your own judgement"):
            act()
    say(world, queue_id, answer, lee, "skip")
    say(world, queue_id, other, lee, "pass")
    adjudication.decide(world.conn, decision, by=lee)
    flags.close(world.conn, flag["rating_id"], by=lee, reason="Fine.")
    assert approvals.decide(world.conn, **wanted, decision="approved") == 1


def test_an_answer_is_open_while_any_queue_may_ask_and_the_rater_has_no_word_on_it(world, queue_id, people, answers):
    ann, bo, lee = people
    run_ids = database.row(world.conn, "select run_ids from queues")["run_ids"]
    terms = Terms(raters=("ann", "bo"), each=2)
    queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids, terms=terms)
    answer = answers[0]

    def is_open(person):
        return blindness.open_to(world.conn, person.person_id, [answer]) == {answer}

    assert [is_open(one) for one in people] == [True, True, True]
    say(world, queue_id, answer, ann, "skip")  # the other queue may still ask
    say(world, queue_id, answer, bo, "pass")
    say(world, queue_id, answer, lee, "skip")
    assert [is_open(one) for one in people] == [True, False, False]
    ratings.undo(world.conn, queue_id, by=bo)
    assert is_open(bo)
    world.conn.execute("update people set active = false where person_id = 'bo'")
    assert not is_open(bo)
    assert blindness.shown(world.conn, "ann", [{"answer_id": answer, "said": "pass"}]) == []
    assert blindness.open_to(world.conn, "ann", []) == set()
