import pytest

from core.evaluation import eval_sets, repeats, runs
from core.store import database
from tests import chain


@pytest.fixture
def world(settings, mina):
    connection = database.connect(settings)
    yield chain.small(connection.cursor(), settings, mina, dev=4, train=6, gate=6, retain=6)
    connection.close()


def test_repeats_are_compared_to_the_letter_and_in_what_they_come_down_to(world):
    job_id = runs.start_ladder(
        world.conn, by=world.by, eval_set=world.eval_set, ladder=world.ladder, model=world.base, repeats=3
    )
    run = runs.of_job(world.conn, job_id)[0]
    samples = eval_sets.samples(world.conn, world.eval_set.eval_set_id, "dev")
    said = [["late", "late", "late"], ["late", "Late.", " late"], ["late", "lost", "late"], ["late", "late", None]]
    for sample, texts in zip(samples, said, strict=True):
        for repeat, text in enumerate(texts):
            world.conn.execute(
                "insert into answers (answer_id, run_id, sample_id, repeat, text, failure) values (?, ?, ?, ?, ?, ?)",
                [f"{sample.sample_id}{repeat}", run["run_id"], sample.sample_id, repeat, text, None if text else "x"],
            )
    found = repeats.scores(world.conn, [run["run_id"]])[run["run_id"]]
    first, second, third, _failed = [sample.sample_id for sample in samples]
    assert found == {
        "same_text": {first: 1, second: 0, third: 0},
        "same_content": {first: 1, second: 1, third: 0},
    }
    assert repeats.scores(world.conn, []) == {}
