"""A teacher's answers: the best of several, a share checked by people, approved as a batch, with a name on each."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.access.people import Person
from core.errors import Refusal
from core.evaluation import eval_sets
from core.evaluation.matrices import Matrix
from core.release import plans, teachers
from core.review import approvals, comparisons, ratings
from core.settings import Settings
from core.store import audit, database
from core.training import batches, candidates, distillations, drafts, exports, training_sets
from core.training.candidates import Candidate
from tests import chain
from tests.chain import World


@pytest.fixture
def world(settings: Settings, mina: Person) -> Iterator[World]:
    connection = database.connect(settings)
    yield chain.small(connection.cursor(), settings, mina, dev=2, train=12, gate=20, retain=2)
    connection.close()


def teacher_right(run, place, count):
    """The teacher is right on all but the last two samples, the student on the first four."""
    return place < count - 2 if run["purpose"] == "matrix" else place < 4


def ask(world, *, student=True, licence="Apache-2.0", **more):
    teacher = chain.other_model(world, "Big")
    rung, prompt = world.ladder.rungs[0]
    matrix = Matrix(eval_set=world.eval_set, split="train", prompts=[(rung, prompt)], models=[teacher], repeats=2)
    fields = {"by": world.by, "matrix": matrix, "licence": licence, "student": world.base if student else None, **more}
    return distillations.start(world.conn, **fields)


def answered(world, **more):
    batch = ask(world, **more)
    chain.work(world, teacher_right)
    return batch


def checked(world):
    """Ten answers are kept and drawn; the first is found wrong by the rater, the rest pass."""
    batch = answered(world)
    queue = distillations.draw(world.conn, by=world.by, distillation_id=batch, share=0.2, name="Spot check")
    waiting = ratings.waiting(world.conn, queue, world.by.person_id, 100)
    for place, item in enumerate(waiting):
        judged = ratings.Rating(queue_id=queue, answer_id=item.answer_id, verdict="fail" if not place else "pass",
                                error_types=() if place else ("style",))  # fmt: skip
        ratings.record(world.conn, judged, by=world.by)
    return batch


def approve(world, batch, **more):
    fields = {"by": world.by, "approved": True, **more}
    return batches.decide(world.conn, distillation_id=batch, **fields)


@pytest.mark.parametrize(
    ("values", "texts", "best"),
    [
        ((0, 1, 1), ("a", "b", "c"), 1),  # the first that is right
        ((1, 1, 1), ("a", "b", "B "), 1),  # what was said most often, width and case aside
        ((0, 0), ("a", "b"), None),  # nothing is right
        ((None, 0.4), ("a", "b"), 1),  # what is known to be partly right before what nobody knows
        ((None, None, None), ("a", "b", "b"), 1),
        ((), (), None),
    ],
)
def test_the_best_candidate(values, texts, best):
    told = zip(texts, values, strict=True)
    given = [Candidate(answer_id=str(n), text=text, value=value) for n, (text, value) in enumerate(told)]
    chosen = candidates.best(given)
    assert (chosen.answer_id if chosen else None) == (str(best) if best is not None else None)


def test_terms_are_asked_for_and_a_cap_needs_a_price(world):
    with pytest.raises(Refusal, match="under which terms"):
        ask(world, licence=" ")
    with pytest.raises(Refusal, match="operator"):
        ask(world, by=replace(world.by, roles=frozenset({"approver"})))
    with pytest.raises(Refusal, match="above 0"):
        ask(world, cap=0.0)
    assert distillations.of_task(world.conn, world.task.task_id) == []


def test_each_sample_keeps_its_best_candidate_and_those_without_one_are_counted(world):
    batch = ask(world)
    with pytest.raises(Refusal, match="24 of the teacher's answers are missing"):
        distillations.draw(world.conn, by=world.by, distillation_id=batch, share=0.2)
    chain.work(world, teacher_right)
    distillations.draw(world.conn, by=world.by, distillation_id=batch, share=0.2)
    known = distillations.find(world.conn, batch)
    assert (known["planned"], known["asked"], known["kept"]) == (24, 12, 10)
    check = batches.spot_check(world.conn, batch)
    assert (check.left, check.rate.n) == (10, 0)  # fewer than thirty: all of them
    with pytest.raises(Refusal, match="chosen already"):
        distillations.draw(world.conn, by=world.by, distillation_id=batch, share=0.2)


def test_the_batch_is_decided_after_the_check_with_its_rate_and_interval(world):
    batch = answered(world)
    with pytest.raises(Refusal, match="check is not done"):
        approve(world, batch)
    distillations.draw(world.conn, by=world.by, distillation_id=batch, share=0.2)
    with pytest.raises(Refusal, match="10 answers wait"):
        approve(world, batch)


def test_what_failed_is_left_out_and_what_is_approved_carries_its_teacher(world):
    batch = checked(world)
    check = batches.spot_check(world.conn, batch)
    assert (check.left, check.rate.n, check.rate.value) == (0, 10, 0.9)
    assert (round(check.rate.low, 2), round(check.rate.high, 2)) == (0.60, 0.98)  # Wilson
    with pytest.raises(Refusal, match="Only an approver"):
        approve(world, batch, by=replace(world.by, roles=frozenset({"operator"})))
    assert approve(world, batch) == 9
    known = distillations.find(world.conn, batch)
    assert (known["passed"], known["checked"], known["approved"], known["decision"]) == (9, 10, 9, "approved")
    found = drafts.of_task(world.conn, world.task.task_id)
    assert found.composition["teacher"] == 9
    assert found.composition["teachers"] == [{"teacher": "Big", "licence": "Apache-2.0", "rows": 9}]

    taught = world.ladder.rungs[0][1]
    frozen = training_sets.freeze(world.conn, by=world.by, task_id=world.task.task_id, prompt=taught)
    assert training_sets.name(found, world.task.task_id, taught) == frozen.training_set_id
    lines = [json.loads(line) for line in exports.chat_jsonl(world.conn, frozen).splitlines()]
    assert {(line["teacher"], line["licence"]) for line in lines} == {("Big", "Apache-2.0")}
    with pytest.raises(Refusal, match="decided already"):
        approve(world, batch)
    assert audit.first_bad_entry(world.conn) is None


def test_pairs_are_the_teachers_answers_against_the_students(world):
    approve(world, checked(world))
    found = drafts.of_task(world.conn, world.task.task_id, "dpo")
    assert 5 <= len(found.rows) <= 6  # ten kept, one failed, four on which both say the same
    assert {row["rejected"] for row in found.rows} == {"I am not sure."}


def test_without_a_student_there_are_no_pairs(world):
    batch = answered(world, student=False)
    queue = distillations.draw(world.conn, by=world.by, distillation_id=batch, share=1.0)
    chain.rate(world, queue)
    approve(world, batch)
    assert drafts.of_task(world.conn, world.task.task_id, "dpo").rows == []


def test_what_people_decided_stands(world):
    """They approved six samples before, and reject one that the teacher answered, too."""
    chain.to_approval(world)
    assert len(approvals.approved(world.conn, world.task.task_id)) == 12
    batch = checked(world)
    with pytest.raises(Refusal, match="Nothing of this batch is left"):
        approve(world, batch)
    assert approve(world, batch, approved=False, reason="All known.") == 0
    assert {row["teacher"] for row in approvals.approved(world.conn, world.task.task_id)} == {None}


def test_a_rejection_needs_a_reason_and_approves_nothing(world):
    batch = checked(world)
    with pytest.raises(Refusal, match="needs a reason"):
        approve(world, batch, approved=False)
    approve(world, batch, approved=False, reason="It invents fees.")
    assert approvals.approved(world.conn, world.task.task_id) == []


def test_a_question_like_a_locked_one_is_not_approved(world):
    train = eval_sets.samples(world.conn, world.eval_set.eval_set_id, "train")[5]
    row = replace(chain.row("gate", 99), key="twin", input=train.input.upper() + "!", group_id="twin")
    eval_sets.save(world.conn, by=world.by, task_id=world.task.task_id, name="Twins", rows=[row], scorer="exact")
    approve(world, checked(world))
    assert train.sample_id not in {row["sample_id"] for row in approvals.approved(world.conn, world.task.task_id)}


def test_an_approval_by_hand_of_a_teachers_answer_carries_its_name_too(world):
    batch = checked(world)
    approve(world, batch, approved=False, reason="One by one.")
    chain.approve(world)
    assert {row["teacher"] for row in approvals.approved(world.conn, world.task.task_id)} == {"Big"}


def test_the_winner_of_a_blind_comparison_is_held_against_what_it_beat(world):
    """Two models answer; where the approved text won, the other one is the worse answer."""
    batch = answered(world)
    known = distillations.find(world.conn, batch)
    chain.rate(world, distillations.draw(world.conn, by=world.by, distillation_id=batch, share=1.0))
    world.conn.execute("update distillations set student_run_id = null")
    approve(world, batch)
    other = world.conn.execute("select run_id from runs where purpose = 'collect'").fetchone()[0]
    round_id = comparisons.create(
        world.conn, by=world.by, task_id=world.task.task_id, run_ids=[known["run_id"], other], limit=None
    )
    for pair in comparisons.waiting(world.conn, round_id, world.by.person_id, 100):
        better = "right" if pair.left == "I am not sure." else "left"
        comparisons.choose(world.conn, round_id, pair.pair_id, better, by=world.by)
    assert drafts.of_task(world.conn, world.task.task_id, "dpo").rows == []  # not before the round is locked
    comparisons.lock(world.conn, round_id, by=world.by)
    found = drafts.of_task(world.conn, world.task.task_id, "dpo").rows
    assert len(found) == 6  # of ten, the student says the same in four
    assert {row["rejected"] for row in found} == {"I am not sure."}


def test_base_student_and_teacher_on_the_gate_samples(world):
    approve(world, checked(world))
    right = chain.shares(before=0.2, after=0.6, B=0.2)
    trial_id = chain.train(world, right)
    (teacher,) = teachers.of_trial(world.conn, trial_id)
    assert teacher.name == "Big"
    with pytest.raises(Refusal, match="own result comes first"):
        teachers.ask(world.conn, by=world.by, trial_id=trial_id, teacher=teacher)
    plans.open_without(world.conn, trial_id, by=world.by)
    assert teachers.estimate(world.conn, trial_id, teacher).calls == 20
    assert teachers.compare(world.conn, trial_id, teacher.model_id) is None
    teachers.ask(world.conn, by=world.by, trial_id=trial_id, teacher=teacher)
    chain.work(world, lambda run, place, count: True)
    found = teachers.compare(world.conn, trial_id, teacher.model_id)
    assert (found.base.value, found.student.value, found.teacher.value) == (0.2, 0.6, 1.0)
    assert found.gap.share == pytest.approx(0.5)
    with pytest.raises(Refusal, match="asked these samples already"):
        teachers.ask(world.conn, by=world.by, trial_id=trial_id, teacher=teacher)
    assert plans.report(world.conn, trial_id).gate.paired.n == 20  # the trial's own proof is what it was
