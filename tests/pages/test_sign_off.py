"""The sign-off page: what it refuses, hides and marks. From plan to release it is walked in browser/test_signing.py."""

from dataclasses import replace
from datetime import date

import pytest

from core.access import identities, people, sessions
from core.release import breakages, plans, sign_offs, signatures
from core.store import database
from pages._ui import session
from tests import chain

PAGE = "release/sign_off.py"
PASSWORD = "four plain words here"
PASSES = chain.shares(A=0.25, B=0.25, before=1.0, after=1.0)


@pytest.fixture
def world(conn, mina):
    world = chain.small(conn, session.settings(), mina, dev=4, train=6, gate=40, retain=60)
    chain.climb(world)
    chain.to_approval(world)
    return world


def sign(app, key, reason="As agreed.", password=PASSWORD):
    prefix = next(one.key for one in app.text_area if one.key.startswith(key)).removesuffix(".reason")
    app.text_area(key=f"{prefix}.reason").set_value(reason)
    app.text_input(key=f"{prefix}.password").set_value(password)
    return app.button(key=f"{prefix}.sign").click().run()


def texts(app):
    kinds = (app.success, app.warning, app.error, app.info, app.markdown, app.caption, app.subheader)
    return "\n".join(one.value for kind in kinds for one in kind)


def test_guessing_the_password_of_a_signature_is_slowed_down_and_the_reason_stays(page, world, mina):
    trial_id = chain.train(world, PASSES)
    failures = [{"person_id": "mina", "tried_at": database.now(), "succeeded": False}] * 9
    database.insert(world.conn, "sign_in_attempts", failures)
    app = sign(page(PAGE), "sign_off.plan", reason="As agreed with the desk.")
    assert "Too many wrong tries. Wait" in app.error[0].value
    assert next(one.value for one in app.text_area if one.key.startswith("sign_off.plan")) == "As agreed with the desk."
    assert plans.current(world.conn, trial_id) is None


def test_who_has_no_password_here_signs_after_the_company_has_confirmed_them(page, world, mina, monkeypatch):
    trial_id = chain.train(world, PASSES)
    identity = identities.Identity(issuer="https://acme.example", subject="z", names=["Zoe"], groups=["g"])
    zoe = identities.admit(world.conn, identity, mapping={"g": ["approver"]})
    token = sessions.start(world.conn, zoe)
    monkeypatch.setattr(session, "_token", lambda: token)
    app = page(PAGE)
    (link,) = [one.proto.url for one in app.get("link_button") if one.proto.url.startswith("/confirm")]
    assert not [one.key for one in app.text_input if one.key.endswith(".password")]
    prefix = next(one.key for one in app.text_area if one.key.startswith("sign_off.plan")).removesuffix(".reason")
    app.text_area(key=f"{prefix}.reason").set_value("As agreed.")
    app = app.button(key=f"{prefix}.sign").click().run()
    assert "Show first that it is you" in app.error[0].value
    identities.confirm(world.conn, zoe, identity, link.partition("for=")[2])
    app = app.button(key=f"{prefix}.sign").click().run()
    assert not app.error
    assert plans.current(world.conn, trial_id)["signature"]["printed_name"] == "Zoe"


def test_broken_samples_are_answered_on_the_page_and_an_override_stays_red_everywhere(page, world, mina):
    trial_id = chain.train(world, chain.breaks)
    app = sign(page(PAGE), "sign_off.plan")
    assert "Newly broken samples: 4" in texts(app)
    first = next(one.key for one in app.text_input if one.key.startswith("sign_off.why.")).removeprefix("sign_off.why.")
    app.button(key=f"sign_off.block.{first}").click().run()
    assert "Say in a few words why" in app.error[0].value
    app.text_input(key=f"sign_off.why.{first}").set_value("A double charge.")
    app.button(key=f"sign_off.block.{first}").click().run()
    assert world.conn.execute("select answer, reason from breakages").fetchall() == [("blocker", "A double charge.")]
    overridden(world, mina, trial_id)
    app = page("release/before_after.py")
    assert "Two people overrode it" in app.error[0].value
    assert "Amended after the results could be seen: Largest harmless loss elsewhere" in app.error[1].value
    app = page(PAGE)
    assert "Two people overrode it" in texts(app)
    assert not [one.key for one in app.text_input if one.key.startswith("sign_off.why.")]  # what was signed on stands
    signed = [one.value for one in app.markdown if "has signed: approved against the gate" in one.value]
    assert [one.split("**")[1] for one in signed] == ["Mina", "Ann"]
    assert [one.value for one in app.code].count("It is urgent.") == 2 + 1  # and under the amendment
    assert "Decided: approved against the gate, valid until 2100" in app.error[0].value


def overridden(world, mina, trial_id):
    """An amendment after the results, and a sign-off against the gate by two people."""
    conn = world.conn

    def signing(by, subject, digest):
        token = signatures.challenge(conn, by=by, subject=subject, digest=digest)
        return signatures.Signing(password=PASSWORD, challenge=token, reason="It is urgent.")

    terms = replace(plans.current(conn, trial_id)["terms"], margin=0.3)
    plans.sign(conn, trial_id, terms, signing(mina, trial_id, plans.digest(trial_id, terms)), by=mina)
    for flip in breakages.broken(plans.report(conn, trial_id)):
        breakages.answer(conn, trial_id, flip.sample_id, "accepted", "A rare case.", by=mina)
    made = sign_offs.request(conn, trial_id, by=mina, scope="Parcels", expires_on=date(2100, 1, 1))
    case, form = sign_offs.find(conn, made), sign_offs.form(made, "overridden")
    ann = people.create(conn, name="Ann", password=PASSWORD, roles_held=["approver"], by=mina)
    for person in (mina, ann):
        sign_offs.sign(conn, made, "overridden", signing(person, form, case.digest), by=person)


def test_results_are_hidden_on_every_page_until_a_plan_is_signed(page, world):
    trial_id = chain.train(world, PASSES)
    for path in ("release/before_after.py", "release/sign_off.py", "home/overview.py", "training/trial.py"):
        assert "75 points" not in texts(page(path)).replace("\\", ""), path
    steps = [link.proto.label for link in page("home/overview.py").get("page_link")]
    assert "**Agree on a plan and decide with signatures**" in steps
    app = page("release/before_after.py")
    app.button(key="before_after.open").click().run()
    assert "75 points" in app.success[0].value
    assert plans.opened(world.conn, trial_id)["opened_by"] == "mina"
    assert "looked at these results without a plan" in page(PAGE).error[0].value
