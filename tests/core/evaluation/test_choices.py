"""Another scorer counts without asking the model again, and never with the proof's result in sight."""

import pytest

from core.errors import Refusal
from core.evaluation import choices, current_scorers, results, runs, tasks
from core.scoring import scorers
from core.store import database
from tests import chain

CONTAINS = scorers.read("contains")


@pytest.fixture
def world(settings, mina):
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=8, train=6, gate=6, retain=6)
    yield world
    connection.close()


def ids(world):
    return {one for (one,) in world.conn.execute("select distinct scorer from scores").fetchall()}


def test_every_score_says_which_scorer_made_it_and_a_new_choice_replaces_them_all(world):
    chain.climb(world)
    assert ids(world) == {"exact"}
    before = world.conn.execute("select count(*) from scores").fetchone()
    answers = choices.choose(world.conn, by=world.by, eval_set=world.eval_set, scorer=CONTAINS)
    assert answers == 16
    assert ids(world) == {"contains"}
    assert world.conn.execute("select count(*) from superseded_scores where scorer = 'exact'").fetchone() == before
    assert current_scorers.of_set(world.conn, world.eval_set) == CONTAINS


def test_no_model_is_asked_and_the_answers_stay_as_they_were(world):
    chain.climb(world)
    query = "select answer_id, text from answers order by answer_id"
    before, jobs_before = world.conn.execute(query).fetchall(), world.conn.execute("from jobs").fetchall()
    choices.choose(world.conn, by=world.by, eval_set=world.eval_set, scorer=CONTAINS)
    assert world.conn.execute(query).fetchall() == before
    assert world.conn.execute("from jobs").fetchall() == jobs_before


def test_later_answers_get_the_scorer_that_counts_then(world):
    choices.choose(world.conn, by=world.by, eval_set=world.eval_set, scorer=CONTAINS)
    chain.climb(world)
    assert ids(world) == {"contains"}


def test_choosing_back_brings_the_old_numbers_back(world):
    job_id = chain.climb(world)
    found = runs.of_job(world.conn, job_id)
    first = results.table(world.conn, found)
    choices.choose(world.conn, by=world.by, eval_set=world.eval_set, scorer=scorers.read("overlap"))
    assert set(results.table(world.conn, found)["metric"]) == {"overlap"}
    choices.choose(world.conn, by=world.by, eval_set=world.eval_set, scorer=scorers.read("exact"))
    assert results.table(world.conn, found).equals(first)


def test_the_choice_is_in_the_audit_trail_with_its_definition(world):
    choices.choose(world.conn, by=world.by, eval_set=world.eval_set, scorer=CONTAINS)
    query = "select actor, subject, detail ->> 'scorer' from audit_events where act = 'scorer.chosen'"
    assert world.conn.execute(query).fetchall() == [("mina", world.eval_set.eval_set_id, "contains")]


def test_the_same_scorer_again_is_refused(world):
    with pytest.raises(Refusal, match="counts for the set already"):
        choices.choose(world.conn, by=world.by, eval_set=world.eval_set, scorer=scorers.read("exact"))


def test_while_answers_come_in_the_scorer_stays(world):
    runs.start_ladder(world.conn, by=world.by, eval_set=world.eval_set, ladder=world.ladder, model=world.base)
    with pytest.raises(Refusal, match="still coming in"):
        choices.choose(world.conn, by=world.by, eval_set=world.eval_set, scorer=CONTAINS)


def test_after_a_proof_the_scorer_is_fixed(world):
    chain.to_the_proof(world)
    with pytest.raises(Refusal, match="its scorer is fixed"):
        choices.choose(world.conn, by=world.by, eval_set=world.eval_set, scorer=CONTAINS)
    assert ids(world) == {"exact"}


def test_a_preview_keeps_nothing_and_shows_no_gate_answer(world):
    chain.to_the_proof(world)
    before = world.conn.execute("from scores order by all").fetchall()
    shown = choices.preview(world.conn, world.eval_set, scorers.read("overlap"))
    assert shown.answers == 2 * 8 + 6, "the ladder on dev and the collected train answers, nothing of the proof"
    assert world.conn.execute("from scores order by all").fetchall() == before


def test_a_preview_names_what_would_change(world):
    chain.climb(world)  # A is right on 2 of 8, B on 2; a wrong answer reads "I am not sure."
    pattern = scorers.read({"method": "regex", "options": {"pattern": "sure"}})
    shown = choices.preview(world.conn, world.eval_set, pattern)
    assert (shown.before, shown.after) == (0.25, 0.75)
    assert len(shown.changes) == 16


@pytest.mark.parametrize("metric", ["overlap", "overlap:note", "judge:polite", "valid", "parses", "length", "anything"])
def test_shared_wording_judges_and_formats_cannot_be_agreed_as_the_measure_of_success(metric):
    with pytest.raises(Refusal, match="do not prove"):
        tasks.Plan(metric=metric)
