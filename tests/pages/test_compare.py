import pytest

from core.access import people, sessions
from core.evaluation import runs
from core.review import comparisons
from core.store import database
from pages._ui import session
from pages.review import _pair
from tests import chain

COMPARE, HOME = "review/compare.py", "home/overview.py"


@pytest.fixture
def world(conn, mina, monkeypatch):
    """Eight dev samples: rung A answers half of them right and B all, so they differ on four."""
    monkeypatch.setattr(_pair, "TOO_SOON_S", 0.0)  # a test is faster than anybody who reads
    world = chain.small(conn, session.settings(), mina, dev=8, train=2, gate=2, retain=2)
    chain.climb(world, chain.shares(A=0.5, B=1.0))
    return world


@pytest.fixture
def round_id(world):
    run_ids = [run["run_id"] for run in runs.latest_ladder(world.conn, world.task.task_id, world.eval_set.name)]
    return comparisons.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids)


def waiting(world, round_id):
    return comparisons.waiting(world.conn, round_id, "mina")[0]


def press(app, what, pair):
    return app.button(key=f"compare.{what}.{pair.pair_id}").click().run()


def kept(world):
    return database.rows(world.conn, "select * from preferences order by preference_id")


def test_an_operator_opens_a_round_and_experts_find_it_on_their_overview(page, world):
    app = page(COMPARE)
    form = "compare.form.0"
    run_ids = [run["run_id"] for run in runs.latest_ladder(world.conn, world.task.task_id, world.eval_set.name)]
    assert app.button(key="compare.open").disabled
    app.multiselect(key=f"{form}.runs").set_value(run_ids).run()
    app.text_input(key=f"{form}.name").input("First round")
    app.button(key="compare.open").click().run()
    (one,) = comparisons.of_task(world.conn, world.task.task_id, "mina")
    assert (one["name"], one["total"], one["identical"]) == ("First round", 4, 4)
    labels = [link.proto.label for link in page(HOME).get("page_link")]
    assert "4 pairs to compare · First round" in labels


def test_two_answers_are_shown_as_a_and_b_and_nothing_tells_the_versions(page, world, round_id):
    pair = waiting(world, round_id)
    run_ids = [row[0] for row in world.conn.execute("select run_id from runs").fetchall()]
    newer = comparisons.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids)
    comparisons.choose(world.conn, newer, waiting(world, newer).pair_id, "tie", by=world.by)
    comparisons.lock(world.conn, newer, by=world.by)
    app = page(COMPARE)  # opens where something waits
    assert [code.value for code in app.code] == [pair.input, pair.left, pair.right]
    shown = " ".join(element.value for element in [*app.markdown, *app.caption, *app.subheader])
    assert not [name for name in ("Sort", "Answer.", "Base", "A · ", "B · ") if name in shown]


def test_a_choice_with_its_reason_is_kept_and_the_next_pair_comes(page, world, round_id):
    first = waiting(world, round_id)
    app = page(COMPARE)
    app.text_input(key=f"compare.reason.{first.pair_id}").input("It says when.")
    press(app, "right", first)
    second = waiting(world, round_id)
    assert [code.value for code in app.code] == [second.input, second.left, second.right]
    assert [(row["pair_id"], row["choice"], row["reason"]) for row in kept(world)] == [
        (first.pair_id, "right", "It says when.")
    ]
    press(app, "undo", second)
    assert waiting(world, round_id) == first


def test_the_round_is_locked_and_then_revealed(page, world, round_id):
    app = page(COMPARE)
    assert app.button(key="compare.lock").disabled
    while comparisons.waiting(world.conn, round_id, "mina"):
        press(app, "left", waiting(world, round_id))
    assert app.success[0].value == "You have compared everything. Thank you."
    app = page(COMPARE)
    app.button(key="compare.lock").click().run()
    told = [element.value for element in [*app.info, *app.success]]
    assert any("on 8 samples" in text and "4 ties" in text for text in told)
    assert not [button for button in app.button if button.key and button.key.startswith("compare.left")]


def test_three_versions_get_an_order(page, world):
    chain.climb(world, chain.shares(A=0.25, B=0.75))
    run_ids = [row[0] for row in world.conn.execute("select run_id from runs order by created_at, rung").fetchall()]
    round_id = comparisons.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids[:3])
    while pairs := comparisons.waiting(world.conn, round_id, "mina"):
        choice = "left" if len(kept(world)) % 3 else "right"
        comparisons.choose(world.conn, round_id, pairs[0].pair_id, choice, by=world.by)
    comparisons.lock(world.conn, round_id, by=world.by)
    app = page(COMPARE)
    assert "The order" in [one.value for one in app.subheader]
    assert app.dataframe or any("No order" in info.value for info in app.info)


def test_who_does_not_rate_sees_nothing_before_the_round_is_locked(page, world, round_id, monkeypatch):
    reader = people.create(
        world.conn, name="Noor", password="four other words here", roles_held=["manager"], by=world.by
    )
    token = sessions.start(world.conn, reader)
    monkeypatch.setattr(session, "_token", lambda: token)
    app = page(COMPARE)
    assert app.info[0].value == "Experts compare. You see the result once the round is locked."
    assert not app.code


def test_answers_that_are_json_are_set_beside_each_other_field_by_field(page, world, round_id):
    assert len(page(COMPARE).dataframe) == 0, "words are no fields"
    pair = waiting(world, round_id)
    for answer, text in (
        (pair.left, '{"intent": "late", "sure": true}'),
        (pair.right, '{"intent": "late", "sure": 1, "day": null}'),
    ):
        world.conn.execute("update answers set text = ? where text = ?", [text, answer])
    (table,) = page(COMPARE).dataframe
    rows = [["intent", "late", "late"], ["≠ sure", "true", "1"], ["≠ day", "–", "null"]]
    assert table.value.values.tolist() == rows
