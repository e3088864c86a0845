import pytest

from core.diagnosis import intervals
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
    # the first is the same to the letter, the second in content, the third in neither; the fourth has a failed call
    assert repeats.rates(world.conn, [run["run_id"]]) == {
        (run["run_id"], "same_text"): intervals.rate(1, 3),
        (run["run_id"], "same_content"): intervals.rate(2, 3),
    }
    assert repeats.rates(world.conn, []) == {}
