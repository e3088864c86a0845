"""What kind of mistake, what became rarer, and which samples tell nothing."""

import pytest

from core.evaluation import runs
from core.review import queues, ratings
from pages._ui import session
from pages.diagnosis import _pareto
from tests import chain

PAGE = "diagnosis/errors.py"


@pytest.fixture
def world(conn, mina):
    """A ladder of 24 samples; Mina judged rung A (18 wrong in format) and rung B (6 wrong in format)."""
    world = chain.small(conn, session.settings(), mina, dev=24, train=1, gate=1, retain=1)
    job_id = chain.climb(world, chain.shares(A=0.25, B=0.75))
    for run in runs.of_job(conn, job_id):
        queue_id = queues.create(conn, by=mina, task_id=world.task.task_id, run_ids=[run["run_id"]])
        for item in ratings.waiting(conn, queue_id, mina.person_id, 100):
            wrong = item.text != item.reference
            judged = ratings.Rating(
                queue_id=queue_id,
                answer_id=item.answer_id,
                verdict="fail" if wrong else "pass",
                error_types=("format",) if wrong else (),
                note="Not a label." if wrong else "",
            )
            ratings.record(conn, judged, by=mina)
    return world


def test_the_kinds_of_mistakes_their_change_and_the_samples_each_have_a_sentence_and_a_chart(page, world, monkeypatch):
    app = page(PAGE)
    assert not app.exception
    assert app.info[0].value.startswith("### Most of the 18 failed samples fail for one reason, “Format”: 100%")
    assert not app.success
    app.segmented_control(key="errors.view").set_value("changes").run()
    assert not app.exception
    assert app.info[0].value.startswith("### Fewer mistakes of the kind Format: \\-50 points on 24 samples")
    table = app.dataframe[0].value.set_index("Error type")
    assert (table["Earlier"]["Format"], table["Later"]["Format"], table["So"]["Format"]) == ("75%", "25%", "fewer")
    assert table["So"]["Style"] == "not enough evidence yet"
    app.segmented_control(key="errors.view").set_value("items").run()
    assert not app.exception
    assert app.dataframe[0].value["Key"].iloc[0] == "dev-18"
    assert len(app.dataframe[0].value) == 6
    # a click on the bar of "Format"
    monkeypatch.setattr("pages._ui.charts.picked", lambda event: [{"label": "Format"}])
    app.segmented_control(key="errors.view").set_value("kinds").run()
    assert not app.exception
    assert any("the answers behind it" in one.value for one in app.markdown)
    assert "Not a label." in [code.value for code in app.code]


def test_two_versions_of_one_name_are_told_apart():
    one = {"rung": "A", "model_name": "Base", "prompt_id": "prompt-1234", "answers": 3}
    assert _pareto.label([one, {**one, "prompt_id": "prompt-5678"}], 1).startswith("A · Base (5678)")
