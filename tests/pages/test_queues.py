from datetime import date, timedelta

import pytest

from core.access import people, sessions
from core.review import flags, queues, ratings, rubrics
from core.review.queues import Terms
from core.review.ratings import Rating
from pages._ui import session
from tests import chain

QUEUES, DISPUTED, HOME = "review/queues.py", "review/adjudicate.py", "home/overview.py"


@pytest.fixture
def world(conn, mina):
    world = chain.small(conn, session.settings(), mina, dev=2, train=8, gate=2, retain=2)
    chain.collect(world)
    return world


@pytest.fixture
def bo(conn, mina):
    return people.create(conn, name="Bo", password="four other words here", roles_held=["expert"], by=mina)


@pytest.fixture
def dispute(world, bo):
    """An answer that Mina passed and Bo failed, in a queue of two ratings each."""
    run_ids = [row[0] for row in world.conn.execute("select run_id from runs").fetchall()]
    told = {"task_id": world.task.task_id, "question": {"en": "Fit to send?"}, "guidelines": {"en": "Says *when*."}}
    rubrics.revise(world.conn, by=world.by, scale="pass_fail", reference="on_demand", **told)
    terms = Terms(each=2)
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids, limit=1, terms=terms)
    (item,) = ratings.waiting(world.conn, queue_id, "mina")
    ratings.record(world.conn, Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass"), by=world.by)
    failed = Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="fail", note="<b>Too curt.</b>")
    ratings.record(world.conn, failed, by=bo)
    return queue_id, item.answer_id


def labels(app):
    return [link.proto.label for link in app.get("page_link")]


def test_an_operator_makes_a_queue_and_its_raters_find_it_on_their_overview(page, world, bo, monkeypatch):
    day = date.today() + timedelta(days=7)
    app = page(QUEUES)
    form = "queues.form.0"
    app.selectbox(key=f"{form}.choice").set_value("failures").run()
    app.number_input(key=f"{form}.limit.failures.correct.6").set_value(4).run()
    app.multiselect(key=f"{form}.raters").set_value(["bo", "mina"]).run()
    app.text_input(key=f"{form}.name").input("Monday *round*")
    app.date_input(key=f"{form}.deadline").set_value(day).run()
    app.button(key="queues.make").click().run()
    queue = queues.overview(world.conn, world.task.task_id)[0]
    assert (queue["name"], queue["total"], queue["raters"]) == ("Monday *round*", 4, ["bo", "mina"])
    assert (queue["terms"]["choice"], queue["terms"]["each"], queue["terms"]["overlap"]) == ("failures", 1, 4)
    token = sessions.start(world.conn, bo)
    monkeypatch.setattr(session, "_token", lambda: token)
    assert f"4 answers to rate · Monday \\*round\\* · until {session.escape(day)}" in labels(page(HOME))


def test_a_queue_shows_its_states_and_its_raters(page, world, dispute):
    app = page(QUEUES)
    assert app.get("progress")[0].proto.text == "0 of 1 done · 1 disputed"
    table = app.dataframe[0].value
    assert table.to_dict("records") == [
        {"Rater": "Bo", "Judged": 1, "Skipped": 0, "Held now": 0},
        {"Rater": "Mina", "Judged": 1, "Skipped": 0, "Held now": 0},
    ]


def test_a_lead_sees_both_ratings_as_plain_text_and_decides_with_a_reason(page, world, dispute):
    queue_id, answer = dispute
    assert "1 disputed answers to decide" in labels(page(HOME))
    app = page(DISPUTED)
    shown = [(one.type, one.value) for one in app.main if one.type in ("caption", "code")]
    assert shown[shown.index(("code", "<b>Too curt.</b>")) - 1] == ("caption", "Note")  # which is no correction
    (guidelines,) = [one for one in app.expander if one.label == "Guidelines"]
    assert guidelines.markdown[0].value == r"- Says \*when\*\."
    key = f"adjudicate.{queue_id}.{answer}"
    app.button_group(key=f"{key}.verdict").set_value("fail").run()
    app.text_area(key=f"{key}.correction").input("late")
    app.button(key=f"{key}.decide").click().run()
    assert app.error[0].value == "A decision needs a reason. Say in a few words what settled it."
    app.text_input(key=f"{key}.reason").input("The desk always says when.")
    app.button(key=f"{key}.decide").click().run()
    assert queues.states(world.conn, queue_id) == {answer: "done"}
    assert "The desk always says when." in [code.value for code in app.code]


def test_a_flag_is_counted_on_the_overview_read_in_one_click_and_closed_with_a_reason(page, world, dispute):
    queue_id, answer = dispute
    flagged = Rating(queue_id=queue_id, answer_id=answer, verdict="pass", note="<u>Ask legal.</u>", flagged=True)
    ratings.record(world.conn, flagged, by=world.by)
    (flag,) = flags.standing(world.conn, world.task.task_id)
    assert "1 flagged answers to look at" in labels(page(HOME))
    app = page(DISPUTED)
    (place,) = [one for one in app.expander if one.label == "The answer"]
    assert [code.value for code in place.code] == [flag["input"], flag["text"]]
    assert "<u>Ask legal.</u>" in [code.value for code in app.code]
    key = f"adjudicate.flag.{flag['rating_id']}"
    app.button(key=f"{key}.close").click().run()
    assert app.error[0].value.startswith("Closing a flag needs a reason.")
    app.text_input(key=f"{key}.reason").input("<b>Legal agrees.</b>")
    app.button(key=f"{key}.close").click().run()
    assert flags.standing(world.conn, world.task.task_id) == []
    assert "<b>Legal agrees.</b>" in [code.value for code in app.code]
    assert not [label for label in labels(page(HOME)) if "flagged" in label]


def test_what_everybody_skipped_is_closed_or_put_back_by_the_operator(page, world, bo):
    run_ids = [row[0] for row in world.conn.execute("select run_id from runs").fetchall()]
    terms = Terms(each=1, raters=("bo", "mina"))
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids, limit=1, terms=terms)
    (item,) = ratings.waiting(world.conn, queue_id, "mina")
    for person, note in ((world.by, "<i>Not my market.</i>"), (bo, "")):
        skip = Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="skip", note=note)
        ratings.record(world.conn, skip, by=person)
    assert "1 answers that everybody skipped" in labels(page(HOME))
    app = page(QUEUES)
    assert "<i>Not my market.</i>" in [code.value for code in app.code]
    key = f"queues.stuck.{queue_id}.{item.answer_id}"
    app.button(key=f"{key}.close").click().run()
    assert app.error[0].value.startswith("Closing needs a reason.")
    app.text_input(key=f"{key}.reason").input("Nobody knows it.")
    app.button(key=f"{key}.close").click().run()
    assert queues.states(world.conn, queue_id) == {item.answer_id: "closed"}
    app.button(key=f"{key}.back").click().run()
    assert queues.states(world.conn, queue_id) == {item.answer_id: "waiting"}
    assert [one.answer_id for one in ratings.waiting(world.conn, queue_id, "mina")] == [item.answer_id]


def test_a_late_queue_says_so_and_is_extended_or_closed(page, world):
    run_ids = [row[0] for row in world.conn.execute("select run_id from runs").fetchall()]
    day = date.today() - timedelta(days=2)
    terms = Terms(name="Monday", deadline=day)
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids, terms=terms)
    late = f"late: due on {session.escape(day)}"
    found = labels(page(HOME))
    assert "1 late queues" in found
    assert f"8 answers to rate · Monday · {late}" in found
    app = page(QUEUES)
    assert any(late in one.value for one in app.markdown)
    app.button(key=f"queues.{queue_id}.extend").click().run()
    assert not any(late in one.value for one in app.markdown)
    app.button(key=f"queues.{queue_id}.close").click().run()
    assert any("closed by Mina" in one.value for one in app.markdown)
    assert not [label for label in labels(page(HOME)) if "Monday" in label]


def test_who_may_not_make_queues_reads_them(page, world, bo, dispute, monkeypatch):
    token = sessions.start(world.conn, bo)
    monkeypatch.setattr(session, "_token", lambda: token)
    app = page(QUEUES)
    assert not [button for button in app.button if button.key == "queues.make"]
    assert app.get("progress")
    app = page(DISPUTED)
    assert app.info[0].value == "You can read this list. Approvers decide about it."
    assert not [button for button in app.button if button.key and button.key.startswith("adjudicate.")]
