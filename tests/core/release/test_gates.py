"""Before anybody signs: the plan, what is hidden until then, and what the gate asks for."""

import pytest

from core.errors import Refusal
from core.evaluation import choices
from core.judging import judges, judgings
from core.judging.criteria import Judge
from core.release import breakages, gates, labels, plans, proofs, sign_offs
from core.review import ratings
from core.scoring import scorers
from tests import chain


def states(gate):
    return {check.name: check.state for check in gate.checks}


def test_results_are_hidden_until_a_plan_is_signed(house, trial_id):
    assert proofs.report(house.conn, trial_id) is not None
    assert plans.report(house.conn, trial_id) is None
    assert gates.judge(house.conn, trial_id) is None
    house.plan(trial_id)
    assert plans.report(house.conn, trial_id).gate.paired.n == 40


def test_who_looks_without_a_plan_may_but_nothing_can_be_signed_off_any_more(house, trial_id):
    plans.open_without(house.conn, trial_id, by=house.max)
    assert plans.report(house.conn, trial_id) is not None
    with pytest.raises(Refusal, match="looked at these results without a plan"):
        house.plan(trial_id)
    with pytest.raises(Refusal, match="Sign the plan"):
        house.request(trial_id)
    assert plans.opened(house.conn, trial_id)["opened_by"] == "max"


def test_an_amendment_after_the_results_is_signed_and_marked_on_every_report(house, trial_id):
    house.plan(trial_id)
    house.plan(trial_id, margin=0.3)
    first, second = plans.versions(house.conn, trial_id)
    assert (first["late"], second["late"]) == (False, True)
    assert plans.changed(first["terms"], second["terms"]) == [("margin", 0.1, 0.3)]
    check = gates.judge(house.conn, trial_id).checks[0]
    assert (check.state, str(check.words)) == ("failed", "1 amendments were signed after the results could be seen.")


def test_before_the_answers_are_in_nothing_is_signed_off_and_an_amendment_is_no_blemish(enter):
    house = enter("ready")
    trial_id = chain.train(house.world, finish=False)
    house.plan(trial_id)
    with pytest.raises(Refusal, match="Sign the plan and wait until all answers are in"):
        house.request(trial_id)
    assert sign_offs.of_trial(house.conn, trial_id) == []
    house.plan(trial_id, margin=0.2)
    chain.work(house.world, chain.shares(B=0.25, after=1.0, before=1.0))
    assert [one["late"] for one in plans.versions(house.conn, trial_id)] == [False, False]
    assert gates.judge(house.conn, trial_id).checks[0].state == "passed"


def test_the_gate_waits_for_people_and_passes_when_every_part_holds(house, trial_id):
    house.plan(trial_id)
    gate = gates.judge(house.conn, trial_id)
    assert states(gate)["labels"] == "waiting"
    assert not gate.passed
    house.label(trial_id)
    gate = gates.judge(house.conn, trial_id)
    assert set(states(gate).values()) == {"passed"}
    assert gate.passed
    assert (gate.labels.samples, gate.labels.shares) == (4, {"eve": 1.0})


def test_what_judges_alone_say_never_passes_the_gate(house, trial_id):
    """A judge passes every answer of the new version and fails every one of the old: nothing about the gate moves."""
    house.plan(trial_id)
    before = states(gates.judge(house.conn, trial_id))
    base, task_id = house.world.base.model_id, house.world.task.task_id
    judge = Judge(name="Kind", criterion="Is it right?", passes="It is.", fails="It is not.", model_id=base)
    judge = judges.save(house.conn, by=house.mina, task_id=task_id, judge=judge)
    sides = {run["run_id"]: run["side"] for run in proofs.runs_of(house.conn, trial_id)}
    for run_id in sides:
        judgings.start(house.conn, by=house.mina, judge=judge, run_id=run_id)
    for one in judgings.of_judge(house.conn, judge.judge_id):
        verdict = "pass" if sides[one["run_id"]] == "after" else "fail"
        said = {"verdict": verdict, "rationale": "", "failure": None, "reply": "", "repaired": False}
        _, items = judgings.inputs(house.conn, one["judging_id"])
        rows = [{**said, "judgement_id": item["judgement_id"]} for item in items]
        assert judgings.keep(house.conn, one["judging_id"], rows) == one["planned"] > 0
    gate = gates.judge(house.conn, trial_id)
    assert (states(gate), states(gate)["labels"], gate.passed) == (before, "waiting", False)
    assert (gate.labels.samples, gate.labels.shares) == (0, {})


def test_shared_wording_never_passes_the_gate_however_much_of_it_there_is(enter):
    """Every new answer is the reference word for word, and the set is scored by nothing but that."""
    house = enter("ready")
    choices.choose(house.conn, by=house.mina, eval_set=house.world.eval_set, scorer=scorers.read("overlap"))
    trial_id = chain.train(house.world, chain.shares(B=0.25, after=1.0, before=1.0))
    report = proofs.report(house.conn, trial_id)
    assert report.pairs["gate", "overlap"].after.value == pytest.approx(1)
    assert "better" in report.pairs["gate", "overlap"].verdicts
    assert (report.proof.verdict, report.proof.passed) == ("not_enough", False)
    house.plan(trial_id)
    house.label(trial_id)
    gate = gates.judge(house.conn, trial_id)
    assert not gate.passed
    assert {states(gate)[name] for name in ("n", "better", "retain")} == {"failed"}


def test_ratings_of_one_version_alone_are_no_comparison(house, trial_id):
    house.plan(trial_id)
    queue_id = labels.ask(house.conn, trial_id, by=house.mina)
    item = ratings.waiting(house.conn, queue_id, "eve", 1)[0]
    rating = ratings.Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass")
    ratings.record(house.conn, rating, by=house.eve)
    assert gates.judge(house.conn, trial_id).labels.samples == 0


def test_a_critical_sample_that_broke_stops_the_release_however_good_the_rest(broken):
    house, trial_id = broken, broken.trial_id
    house.plan(trial_id)
    house.label(trial_id)
    assert states(gates.judge(house.conn, trial_id))["broken"] == "waiting"
    house.accept_breakages(trial_id)
    gate = gates.judge(house.conn, trial_id)
    assert {name for name, state in states(gate).items() if state == "failed"} == {"critical"}
    assert not gate.passed


def test_a_blocker_fails_the_gate_and_every_answer_stays_readable(broken):
    house, trial_id = broken, broken.trial_id
    house.plan(trial_id)
    house.accept_breakages(trial_id)
    sample = breakages.broken(plans.report(house.conn, trial_id))[0].sample_id
    breakages.answer(house.conn, trial_id, sample, "blocker", "Customers would be charged twice.", by=house.eve)
    assert states(gates.judge(house.conn, trial_id))["broken"] == "failed"
    written = house.conn.execute("select answer from breakages where sample_id = ? order by 1", [sample]).fetchall()
    assert written == [("accepted",), ("blocker",)]
    with pytest.raises(Refusal, match="not among the newly broken"):
        breakages.answer(house.conn, trial_id, "sample-of-nobody", "accepted", "Why not?", by=house.eve)
