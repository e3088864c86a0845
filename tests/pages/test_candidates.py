"""Before and after: a prompt is put up without training, and its result stays hidden until a plan is signed."""

from core.evaluation import prompts
from core.evaluation.prompts import Prompt
from core.knowledge import indexes
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

    slot = Prompt(name="Passages", system="", template="{passages}\n{input}")
    common = {"by": mina, "task_id": world.task.task_id}
    rungs = [*world.ladder.rungs, ("C", slot)]
    prompts.save_ladder(conn, eval_set_name=world.eval_set.name, rungs=rungs, **common)
    app = page("release/before_after.py")  # the last prompt is the one proposed
    assert any("no knowledge base yet" in one.value for one in app.caption)
    app.button(key="candidate.propose").click().run()
    assert "“Passages” has a place for passages" in app.error[0].value
    indexes.add(conn, files=[("parcels.md", b"Where the parcel is: here.")], **common)
    app = page("release/before_after.py")
    app.number_input(key="candidate.k.1").set_value(3).run()
    app.button(key="candidate.propose").click().run()
    newest = trials.contenders(conn, world.task.task_id)[0]
    assert (newest["prompt_name"], newest["k"]) == ("Passages", 3)
    app = page("release/before_after.py")
    assert any("at most 3 passages of the knowledge base, version 1" in one.value for one in app.caption)
    assert not app.exception
