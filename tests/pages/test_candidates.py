"""Before and after: a prompt is put up without training, and its result stays hidden until a plan is signed."""

from core.training import trials
from pages._ui import session
from tests import chain


def test_a_prompt_is_put_up_by_the_form_and_nobody_sees_the_result_before_a_plan(page, conn, mina):
    world = chain.small(conn, session.settings(), mina, gate=10, retain=6)
    app = page("release/before_after.py")
    assert "no trial yet" in app.info[0].value
    app.selectbox(key="candidate.instead").set_value("A").run()
    app.button(key="candidate.propose").click().run()
    assert "same prompt on the same model" in app.error[0].value
    app.selectbox(key="candidate.instead").set_value("B").run()
    app.button(key="candidate.propose").click().run()
    assert "The proof has begun" in app.success[0].value
    chain.work(world, chain.shares(A=0.2, before=0.2, after=1.0))
    (candidate,) = trials.contenders(conn, world.task.task_id)
    assert candidate["prompt_name"] == "B · Sort."
    app = page("release/before_after.py")
    assert "Candidate of" in app.selectbox(key="before_after.trial").options[0]
    assert "agree on what it has to show" in app.info[0].value
    assert not app.exception
