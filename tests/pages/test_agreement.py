import pytest

from core.access import people
from core.review import queues, ratings
from core.review.queues import Terms
from core.review.ratings import Rating
from pages._ui import session
from tests import chain

AGREEMENT = "review/agreement.py"


@pytest.fixture
def world(conn, mina):
    world = chain.small(conn, session.settings(), mina, dev=2, train=12, gate=2, retain=2)
    chain.collect(world)
    return world


@pytest.fixture
def rated(world):
    """Two ratings for each of 12 answers; Mina and Bo differ on every fourth."""
    bo = people.create(world.conn, name="Bo", password="four other words here", roles_held=["expert"], by=world.by)
    run_ids = [row[0] for row in world.conn.execute("select run_id from runs").fetchall()]
    queue_id = queues.create(
        world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids, terms=Terms(each=2, name="Double")
    )
    for number, item in enumerate(
        sorted(ratings.waiting(world.conn, queue_id, "mina", 100), key=lambda i: i.answer_id)
    ):
        for by in (world.by, bo):
            passes = (number % 2 == 0) != (by is bo and number % 4 == 0)
            rating = Rating(
                queue_id=queue_id,
                answer_id=item.answer_id,
                verdict="pass" if passes else "fail",
                note="" if passes else "![x](http://elsewhere/x.png)",
            )
            ratings.record(world.conn, rating, by=by)
    return queue_id


def test_alpha_comes_with_n_interval_meaning_and_the_ceiling(page, world, rated):
    app = page(AGREEMENT)
    assert app.info[0].value.startswith("Not enough evidence yet: alpha")
    assert "on 12 answers" in app.info[0].value
    shown = [one.value for one in [*app.caption, *app.markdown]]
    assert any("tossed a coin" in text for text in shown)
    assert any("75%" in text and "ceiling" in text for text in shown)
    assert any("at least 50 are advised" in text for text in shown)


def test_pairs_of_raters_and_error_types_have_their_own_lines(page, world, rated):
    pairs, types = (one.value for one in page(AGREEMENT).dataframe)
    assert list(pairs["Raters"]) == ["Bo + Mina"]
    assert list(pairs["n"]) == [12]
    assert list(types["Remark"].unique()) == ["no variation"]
    assert list(types["alpha"].unique()) == ["–"]


def test_the_answers_that_split_raters_are_there_as_plain_text(page, world, rated):
    app = page(AGREEMENT)
    assert "![x](http://elsewhere/x.png)" in [code.value for code in app.code]
    links = [link.proto.label for link in app.get("page_link")]
    assert links.count("Waits for a decision") == 3


def test_without_two_raters_the_page_says_so(page, world):
    run_ids = [row[0] for row in world.conn.execute("select run_id from runs").fetchall()]
    queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids)
    assert page(AGREEMENT).info[0].value == "Not enough evidence yet: no answer has been judged by two people."
