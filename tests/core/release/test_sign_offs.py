"""Decisions that hold: who may sign what, in which order, and what a signature is bound to."""

import hashlib
from dataclasses import replace

import pytest

from core import content
from core.access import roles
from core.errors import Refusal
from core.evaluation import prompts
from core.judging import judges, judgings
from core.judging.criteria import Judge
from core.release import breakages, evidence, gates, labels, plans, proofs, releases, sign_offs, signatures
from core.review import ratings
from core.store import audit, database
from core.training import trials
from tests import chain


@pytest.fixture
def broken(enter):
    """A house whose trial is better by far and broke four samples, a critical one among them."""
    return enter("breaks")


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


def test_an_amendment_before_the_results_is_no_blemish(enter):
    house = enter("ready")
    trial_id = chain.train(house.world, finish=False)
    house.plan(trial_id)
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


def test_an_independent_approver_alone_is_enough_for_an_approval(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    assert house.sign(sign_off_id, house.ann) == "approved"
    (signed,) = signatures.of(house.conn, "sign_off", sign_off_id)
    assert signatures.shown(signed) | {"utc": "", "local": ""} == {
        "name": "Ann", "utc": "", "local": "", "meaning": "approved", "reason": "As agreed in the meeting.",
    }  # fmt: skip
    assert signed["local_time"].endswith("+0800 Asia/Shanghai")


def test_requester_and_trainer_cannot_be_the_only_approver_whatever_their_roles(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    assert sign_offs.involved(house.conn, sign_offs.find(house.conn, sign_off_id)) == {
        "mina": ("requester", "trainer"),
        "eve": ("main_rater",),
    }
    assert house.sign(sign_off_id, house.mina) == "open"  # she holds every role, admin included
    with pytest.raises(Refusal, match="You have signed this already"):
        house.sign(sign_off_id, house.mina)
    assert house.sign(sign_off_id, house.max) == "approved"


def test_a_manager_is_a_second_and_never_the_only_one(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    assert house.sign(sign_off_id, house.max) == "open"
    assert house.sign(sign_off_id, house.ann) == "approved"


def test_a_main_rater_cannot_be_the_only_approver(house, trial_id):
    house.conn.execute("update people set roles = ['expert', 'approver'] where person_id = 'eve'")
    eve = replace(house.eve, roles=frozenset({"expert", "approver"}))
    sign_off_id = house.put_up(trial_id)
    assert house.sign(sign_off_id, eve) == "open"


MAY = {
    "plan": {"mina", "ann", "max"},
    "breakage": {"mina", "ann", "eve"},
    "request": {"mina"},
    "sign": {"mina", "ann", "max"},
}


@pytest.mark.parametrize("name", ["mina", "ann", "max", "eve", "root"])
def test_every_role_is_checked_by_the_function_itself(broken, name):
    house, trial_id = broken, broken.trial_id
    person = getattr(house, name)

    def allowed(act, *args, **how):
        try:
            act(*args, **how)
        except Refusal as refusal:
            return refusal.message not in roles.NEEDED.values()
        return True

    done = {"plan": allowed(house.plan, trial_id, by=person)}
    if not done["plan"]:
        house.plan(trial_id)
    house.accept_breakages(trial_id)
    sample = breakages.broken(plans.report(house.conn, trial_id))[0].sample_id
    done["breakage"] = allowed(breakages.answer, house.conn, trial_id, sample, "accepted", "Fine.", by=person)
    until = database.now().date().replace(year=2100)
    done["request"] = allowed(sign_offs.request, house.conn, trial_id, by=person, scope="x", expires_on=until)
    sign_off_id = (
        house.request(trial_id) if not done["request"] else sign_offs.of_trial(house.conn, trial_id)[0].sign_off_id
    )
    done["sign"] = allowed(house.sign, sign_off_id, person, "rejected")
    assert done == {act: name in people for act, people in MAY.items()}


def test_without_the_password_or_with_a_used_or_foreign_form_nobody_signs(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    case = sign_offs.find(house.conn, sign_off_id)

    def attempt(signing, by=house.ann, decision="approved"):
        return sign_offs.sign(house.conn, sign_off_id, decision, signing, by=by)

    form = sign_offs.form(sign_off_id, "approved")
    with pytest.raises(Refusal, match="not your password"):
        attempt(house.signing(house.ann, form, case.digest, password="something else"))
    with pytest.raises(Refusal, match="needs a reason"):
        attempt(house.signing(house.ann, form, case.digest, reason=" "))
    with pytest.raises(Refusal, match="changed since it was opened"):
        attempt(house.signing(house.max, form, case.digest))  # somebody else's form
    with pytest.raises(Refusal, match="changed since it was opened"):
        attempt(house.signing(house.ann, form, case.digest), decision="rejected")
    old = house.signing(house.ann, form, case.digest)
    house.conn.execute("update challenges set expires_at = expires_at - interval 16 minute")
    with pytest.raises(Refusal, match="signed already or is too old"):
        attempt(old)
    good = house.signing(house.max, form, case.digest)
    assert attempt(good, by=house.max) == "open"
    with pytest.raises(Refusal, match="signed already or is too old"):
        attempt(good, by=house.max)  # the captured form, sent again
    assert len(signatures.of(house.conn, "sign_off", sign_off_id)) == 1


def test_a_person_who_lost_the_role_or_the_account_cannot_sign_with_an_old_page(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    house.conn.execute("update people set roles = ['expert'] where person_id = 'ann'")
    with pytest.raises(Refusal, match="Only an approver"):
        house.sign(sign_off_id, house.ann)  # the page still holds the person as they were
    house.conn.execute("update people set active = false where person_id = 'max'")
    with pytest.raises(Refusal, match="not your password"):
        house.sign(sign_off_id, house.max)


def test_what_did_not_pass_the_gate_is_overridden_by_two_or_not_at_all(broken):
    house, trial_id = broken, broken.trial_id
    sign_off_id = house.put_up(trial_id)
    with pytest.raises(Refusal, match="gate is not passed"):
        house.sign(sign_off_id, house.ann)
    assert house.sign(sign_off_id, house.ann, "overridden", reason="The old model is switched off tonight.") == "open"
    assert house.sign(sign_off_id, house.max, "overridden") == "overridden"


def test_a_passed_gate_cannot_be_overridden(house, trial_id):
    with pytest.raises(Refusal, match="nothing to override"):
        house.sign(house.put_up(trial_id), house.ann, "overridden")


@pytest.mark.parametrize("decision", ["rejected", "insufficient"])
def test_no_is_a_decision_too_and_it_stands(house, trial_id, decision):
    sign_off_id = house.put_up(trial_id)
    assert house.sign(sign_off_id, house.max, decision) == decision
    with pytest.raises(Refusal, match="is decided"):
        house.sign(sign_off_id, house.ann)
    assert house.sign(house.request(trial_id), house.ann) == "approved"  # put up again, decided anew; both are kept
    assert [sign_offs.state(house.conn, one) for one in sign_offs.of_trial(house.conn, trial_id)] == [
        "approved",
        decision,
    ]


ALTERED = {
    "plan": "update release_plans set reason = reason || '.'",
    "rubric": 'update rubrics set guidelines = \'{"en": "Be kind."}\'',
    "eval_sets": "update eval_sets set scorer = 'contains'",
    "samples": "update samples set reference = reference || '.' where split = 'gate'",
    "runs": "update runs set decoding = '{\"max_new_tokens\": 49}' where purpose = 'proof'",
    "answers": "update answers set text = text || '.' where run_id in (from runs select run_id where side = 'after')",
    "scores": "update scores set reason = reason || '.'",
    "ratings": "update ratings set note = note || '.'",
    "breakages": "insert into breakages values (99, $trial, 's', 'accepted', 'r', 'eve', now()::timestamp)",
    "prompts": "update prompts set system = system || '.'",
    "base": "update models set file_hashes = '{}' where kind = 'local'",
    "adapter": "update models set file_hashes = '{}' where kind = 'adapter'",
    "training": "update training_rows set completion = completion || '.'",
}


SINCE = {
    2: {
        "update prompts set examples = '[{}]'": "prompts",
        'update prompts set schema = \'{"type": "string"}\'': "prompts",
        "update samples set fields = '{\"country\": \"CH\"}' where split = 'gate'": "samples",
        "update samples set kind = 'concept'": "samples",
        "update samples set pair = 'p'": "samples",
        "update ratings set points = 4": "ratings",
        "update ratings set flagged = not flagged": "ratings",
        "update ratings set origin = 'rewritten'": "ratings",
        "update runs set index_id = 'index-1', k = 3 where purpose = 'proof'": "runs",
        "update runs set k = 3 where purpose = 'proof'": "runs",
        "update rubrics set reference = 'hidden'": "rubric",
        "update training_rows set teacher = 't'": "training",
    },
    3: {"update answers set cut = true where run_id in (from runs select run_id where side = 'after')": "answers"},
}
"""Version of the hashes -> what they cover since then, and the item that it belongs to."""


def test_any_one_thing_altered_is_named_and_the_signature_no_longer_matches(enter):
    house = enter("signed")
    case = sign_offs.of_trial(house.conn, house.trial_id)[0]
    assert sign_offs.stale(house.conn, case) == []
    for version, statements in SINCE.items():
        before = evidence.collect(house.conn, house.trial_id, version=version - 1)
        for statement, item in statements.items():
            house.conn.begin()
            house.conn.execute(statement)
            assert sign_offs.stale(house.conn, case) == [item], statement
            now = evidence.collect(house.conn, house.trial_id, version=version - 1)
            assert now == before, statement  # as it always was
            house.conn.rollback()
    for item, statement in ALTERED.items():
        house.conn.begin()
        house.conn.execute(statement, {"trial": case.trial_id} if "$trial" in statement else None)
        found = sign_offs.stale(house.conn, case)
        house.conn.rollback()
        assert item in found
        assert set(found) <= {item, "runs"}, item


def test_every_item_is_covered_by_that_test_or_by_the_next():
    assert set(evidence.ITEMS) - set(ALTERED) == {"index", "judge", "statistics"}  # of the first two: test_aids.py


def test_another_version_of_the_statistics_makes_the_sign_off_stale(house, trial_id, monkeypatch):
    sign_off_id = house.put_up(trial_id)
    monkeypatch.setattr(evidence, "statistics", lambda: "another version")
    assert sign_offs.stale(house.conn, sign_offs.find(house.conn, sign_off_id)) == ["statistics"]


def test_a_signature_of_an_earlier_version_is_checked_as_it_was_made(enter):
    house = enter("signed")
    case = sign_offs.of_trial(house.conn, house.trial_id)[0]
    assert case.evidence_version == evidence.VERSION == max(SINCE)
    query = "update sign_offs set evidence_version = ?, evidence = ?, digest = ?"
    for version, item, missing in ((1, "prompts", evidence.LATER), (2, "answers", ())):
        found = evidence.collect(house.conn, house.trial_id, version=version)
        first = {name: hashed for name, hashed in found.items() if name not in missing}
        assert first[item] != case.evidence[item]
        house.conn.execute(query, [version, content.canonical(first), evidence.digest(first)])
        old = sign_offs.find(house.conn, case.sign_off_id)
        assert sign_offs.stale(house.conn, old) == []
        house.conn.begin()
        house.conn.execute("update samples set reference = reference || '.' where split = 'gate'")
        assert sign_offs.stale(house.conn, old) == ["samples"]
        house.conn.rollback()


def test_another_prompt_on_its_rung_or_other_bytes_on_the_disk_make_it_stale(enter):
    house = enter("signed")
    case = sign_offs.of_trial(house.conn, house.trial_id)[0]
    ladder = house.world.ladder
    (rung, was), *others = ladder.rungs
    assert trials.find(house.conn, house.trial_id)["prompt_id"] == was.prompt_id
    changed = replace(was, system=was.system + "\nBe brief.", parent_id=was.prompt_id)

    def save(*rungs):
        given = {"by": house.mina, "task_id": house.world.task.task_id, "eval_set_name": ladder.eval_set_name}
        prompts.save_ladder(house.conn, rungs=list(rungs), **given)

    save((rung, changed), *others)
    assert sign_offs.stale(house.conn, case) == ["prompts"]
    assert "+ Be brief." in sign_offs.difference(house.conn, case)["prompts"]
    with pytest.raises(Refusal, match="does not hold any more"):
        releases.release(
            house.conn, house.world.settings, case.sign_off_id, "production",
            house.signing(house.max, "any", "any"), by=house.max, expected=None,
        )  # fmt: skip
    again = house.request(house.trial_id)  # what does not hold is put up anew, as things are now
    assert sign_offs.stale(house.conn, sign_offs.find(house.conn, again)) == []
    save((rung, was), *others)
    assert sign_offs.stale(house.conn, case) == []

    (house.world.settings.models / "base" / "model.safetensors").write_text("{ }")
    assert sign_offs.stale(house.conn, case) == ["base"]
    gone, new = sign_offs.difference(house.conn, case)["base"]
    assert gone.startswith("- model.safetensors  ")
    assert new == "+ model.safetensors  " + hashlib.sha256(b"{ }").hexdigest()
    (house.world.settings.models / "base" / "model.safetensors").unlink()
    assert sign_offs.difference(house.conn, case)["base"][1] == "+ model.safetensors  —"


def test_a_byte_changed_in_a_model_file_is_found(house, trial_id):
    assert evidence.damaged(house.conn, trial_id) == []
    (house.world.settings.models / "base" / "model.safetensors").write_text("{ }")
    assert evidence.damaged(house.conn, trial_id) == ["model.safetensors"]


def test_evidence_that_changed_after_it_was_put_up_cannot_be_signed(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    house.conn.execute(ALTERED["ratings"])
    with pytest.raises(Refusal, match=r"has changed since it was put up \(ratings\)"):
        house.sign(sign_off_id, house.ann)


def test_a_sign_off_ends_on_its_day(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    house.conn.execute("update sign_offs set expires_on = current_date")
    assert sign_offs.stale(house.conn, sign_offs.find(house.conn, sign_off_id)) == ["expired"]


def test_the_order_of_the_steps_cannot_be_changed(broken):
    house, trial_id = broken, broken.trial_id
    with pytest.raises(Refusal, match="Sign the plan"):
        house.request(trial_id)
    with pytest.raises(Refusal, match="Sign the plan"):
        labels.ask(house.conn, trial_id, by=house.mina)
    house.plan(trial_id)
    with pytest.raises(Refusal, match="not answered yet"):
        house.request(trial_id)
    house.accept_breakages(trial_id)
    sign_off_id = house.request(trial_id)
    with pytest.raises(Refusal, match="put up for sign-off already"):
        house.request(trial_id)
    with pytest.raises(Refusal, match="so its plan stands"):
        house.plan(trial_id, margin=0.5)
    house.sign(sign_off_id, house.ann, "rejected")
    with pytest.raises(Refusal, match="so they stand"):
        house.accept_breakages(trial_id)


def test_every_signature_is_in_the_audit_trail_with_all_it_says(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    house.sign(sign_off_id, house.ann)
    event = database.rows(house.conn, "select * from audit_events where act = 'sign_off.signed'")[0]
    signed = signatures.of(house.conn, "sign_off", sign_off_id)[0]
    for value in (signed["printed_name"], signed["reason"], signed["local_time"], signed["digest"]):
        assert value in event["detail"]
    assert audit.first_bad_entry(house.conn) is None


def test_neither_password_nor_form_is_ever_written_down(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    case = sign_offs.find(house.conn, sign_off_id)
    signing = house.signing(house.ann, sign_offs.form(sign_off_id, "approved"), case.digest)
    sign_offs.sign(house.conn, sign_off_id, "approved", signing, by=house.ann)
    assert signing.password not in repr(signing)
    assert signing.challenge not in repr(signing)
    house.conn.execute("checkpoint")
    for file in house.world.settings.data.glob("*.*"):
        assert signing.challenge.encode() not in file.read_bytes()
        assert signing.password.encode() not in file.read_bytes()


def test_three_edits_of_a_rating_leave_three_entries_and_the_original_readable(house, trial_id):
    house.plan(trial_id)
    queue_id = labels.ask(house.conn, trial_id, by=house.mina)
    answer = ratings.waiting(house.conn, queue_id, "eve", 1)[0].answer_id
    for verdict in ("pass", "fail", "skip", "pass"):
        ratings.record(house.conn, ratings.Rating(queue_id=queue_id, answer_id=answer, verdict=verdict), by=house.eve)
    query = "select verdict from ratings where answer_id = ? order by rating_id"
    assert [row[0] for row in house.conn.execute(query, [answer]).fetchall()] == ["pass", "fail", "skip", "pass"]
    events = house.conn.execute(
        "select count(*) from audit_events where act = 'answer.rated' and subject = ?", [answer]
    )
    assert events.fetchone() == (4,)
