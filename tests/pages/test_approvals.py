from dataclasses import replace

import pytest

from core.access import people, sessions
from core.evaluation import eval_sets
from core.review import approvals
from pages._ui import session
from tests import chain

APPROVALS = "review/approvals.py"


@pytest.fixture
def world(conn, mina):
    """27 rated train answers, 7 of them passed as they are: one page of 25 and one of 2."""
    world = chain.small(conn, session.settings(), mina, dev=2, train=27, gate=2, retain=2)
    chain.rate(world, chain.collect(world))
    return world


def waiting(world):
    return [row["sample_id"] for row in approvals.candidates(world.conn, world.task.task_id)]


def approved(world):
    return [row["sample_id"] for row in approvals.approved(world.conn, world.task.task_id)]


def look(app):
    return next(box for box in app.checkbox if box.key.startswith("approvals.looked.")).check().run()


def test_what_waits_is_shown_page_by_page_with_counts_and_raters(page, world):
    app = page(APPROVALS)
    assert "7 as they are, 20 corrected" in {caption.value for caption in app.caption}
    assert len([box for box in app.checkbox if box.key.startswith("approvals.choose.")]) == 25
    assert "rated by Mina" in {caption.value for caption in app.caption}
    assert app.get("progress")[0].proto.text == "0 approved; at least 50 are recommended"


def test_a_page_is_approved_only_by_who_has_looked(page, world):
    first = waiting(world)
    app = page(APPROVALS)
    assert app.button(key="approvals.all").disabled
    look(app)
    app.button(key="approvals.all").click().run()
    assert approved(world) == first[:25]
    assert app.success[0].value == "25 samples are approved."
    assert app.button(key="approvals.all").disabled  # the next page has to be looked at, too


def test_chosen_ones_are_approved(page, world):
    _, second, third, *_ = waiting(world)
    app = page(APPROVALS)
    for sample in (second, third):
        app.checkbox(key=f"approvals.choose.{sample}").check()
    look(app)
    app.button(key="approvals.some").click().run()
    assert approved(world) == [second, third]


def test_a_rejection_without_a_reason_is_refused_with_a_sentence(page, world):
    first = waiting(world)[0]
    app = page(APPROVALS)
    app.checkbox(key=f"approvals.choose.{first}").check().run()
    app.button(key="approvals.reject").click().run()
    assert app.error[0].value == "A rejection needs a reason. Say in a few words what is wrong."
    app.text_input(key="approvals.reason").input("The rule has changed.")
    app.button(key="approvals.reject").click().run()
    assert first not in waiting(world)
    assert approved(world) == []


def test_an_approval_is_withdrawn_with_a_reason(page, world):
    chain.approve(world)
    app = page(APPROVALS)
    app.segmented_control(key="approvals.view").set_value("approved").run()
    newest = approved(world)[-1]
    app.text_input(key=f"approvals.why.{newest}").input("Outdated.")
    app.button(key=f"approvals.withdraw.{newest}").click().run()
    assert newest in waiting(world)
    assert len(approved(world)) == 26


def test_somebody_else_was_faster(page, world):
    app = page(APPROVALS)
    look(app)
    chain.approve(world)
    app.button(key="approvals.all").click().run()
    assert len(approved(world)) == 27
    assert not app.exception


def test_who_may_not_approve_reads_and_decides_nothing(page, world, monkeypatch):
    reader = people.create(
        world.conn, name="Noor", password="four other words here", roles_held=["manager"], by=world.by
    )
    token = sessions.start(world.conn, reader)
    monkeypatch.setattr(session, "_token", lambda: token)
    app = page(APPROVALS)
    assert app.info[0].value == "You can read this list. Approvers decide about it."
    assert len(app.code) >= 50
    assert not [button for button in app.button if button.key and button.key.startswith("approvals.")]


def test_what_the_gate_asks_too_is_shown_with_the_pair_and_left_out(page, world):
    train = next(one for one in approvals.candidates(world.conn, world.task.task_id))
    row = replace(chain.row("gate", 99), key="twin", input=train["input"].upper(), group_id="twin")
    eval_sets.save(world.conn, by=world.by, task_id=world.task.task_id, name="Twins", rows=[row], scorer="exact")
    app = page(APPROVALS)
    assert "the locked sample twin asks nearly the same (100% alike)" in app.warning[0].value.replace("\\", "")
    assert train["input"].upper() in [code.value for code in app.code]
    look(app)
    app.button(key="approvals.all").click().run()
    assert len(approved(world)) == 24
    assert train["sample_id"] in waiting(world)
