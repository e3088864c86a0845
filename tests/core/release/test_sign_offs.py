"""Decisions that hold: who may sign what, in which order, and what is written down of it."""

from dataclasses import replace

import pytest

from core.access import roles
from core.errors import Refusal
from core.release import breakages, involvement, labels, plans, sign_offs, signatures
from core.review import ratings
from core.store import audit, database


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
    assert involvement.of(house.conn, trial_id, sign_offs.find(house.conn, sign_off_id).requested_by) == {
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


def test_a_sign_off_ends_on_its_day(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    house.end(database.now().date())
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
