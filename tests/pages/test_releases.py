"""The page Releases: what is approved is released and rolled back by signature, marked on the chart, and exported."""

import io
import json

import openpyxl
import pytest

from core.access import people, sessions
from core.evaluation import models
from core.release import candidates, production, releases, sign_offs
from core.review import approvals
from pages._ui import session
from pages.release import _inventory
from tests import chain, openai_server
from tests.core.release.conftest import OTHERS, PASSES, PASSWORD, House
from tests.core.release.test_releases import move
from tests.pages.test_sign_off import sign, texts

PAGE = "release/releases.py"


@pytest.fixture
def house(conn, mina):
    """People of every role, and a small task."""
    world = chain.small(conn, session.settings(), mina, dev=4, gate=40, retain=60)
    others = {
        name: people.create(conn, name=name.title(), password=PASSWORD, roles_held=[role], by=mina)
        for name, role in OTHERS.items()
    }
    return House(world=world, mina=mina, **others)


def approved(house, far, rung):
    """Sign-off of this rung on the model behind the endpoint, against the first rung on the base."""
    world, rungs = house.world, dict(house.world.ladder.rungs)
    trial_id = candidates.propose(
        world.conn, by=world.by, eval_set=world.eval_set, rung="A",
        before=(rungs["A"], world.base), after=(rungs[rung], far),
    )  # fmt: skip
    chain.work(world, chain.shares(A=0.25, before=1.0, after=1.0))
    sign_off_id = house.put_up(trial_id)
    house.sign(sign_off_id, house.ann)
    return sign_off_id


def pointer(house):
    return releases.current(house.conn, house.world.task.task_id, "production")


def test_a_sample_withdrawn_under_approvals_marks_what_learned_it_wherever_it_is_used(house, page, conn):
    world = house.world
    chain.climb(world)
    chain.to_approval(world)
    sign_off_id = house.put_up(chain.train(world, PASSES))
    house.sign(sign_off_id, house.ann)
    move(house, sign_off_id, house.max)
    lost = approvals.approved(conn, world.task.task_id)[-1]["sample_id"]
    app = page("review/approvals.py")
    app.segmented_control(key="approvals.view").set_value("approved").run()
    app.text_input(key=f"approvals.why.{lost}").input("<b>Outdated.</b>")
    app.button(key=f"approvals.withdraw.{lost}").click().run()
    assert "models trained on it are marked" in app.success[0].value
    app = page("evaluation/models.py")
    assert sorted(app.dataframe[0].value["Withdrawn samples"]) == [0, 1]
    for path in ("evaluation/models.py", "release/sign_off.py", PAGE):
        app = page(path)
        (mark,) = [one for one in app.expander if "whose approval was withdrawn" in one.label]
        assert "1 samples" in mark.label
        assert [code.value for code in mark.code] == ["<b>Outdated.</b>"]
        assert "withdrawn by Mina on" in mark.caption[0].value
    inventory = next(one for one in app.dataframe if "Next review" in one.value)
    assert list(inventory.value["Withdrawn samples"]) == [1]


def test_how_much_is_kept_and_for_how_long_is_set_on_the_page(house, page, conn):
    task_id = house.world.task.task_id
    app = page(PAGE)
    app.slider(key=f"releases.share.{task_id}").set_value(20)
    app.selectbox(key=f"releases.months.{task_id}").set_value(12)
    app = app.button(key="releases.share.save").click().run()
    assert production.kept(conn, task_id) == production.Kept(share=0.2, months=12)
    assert app.selectbox(key=f"releases.months.{task_id}").value == 12
    assert "It counts from now on." in app.success[0].value


def test_a_version_is_released_rolled_back_and_marked_and_a_changed_prompt_is_shown(house, page, conn, monkeypatch):
    with openai_server.serve() as server:
        far = models.register_api(conn, by=house.mina, name="Far", base_url=server.base_url, api_model="tiny")
        first, second = approved(house, far, "B"), approved(house, far, "A")
        token = sessions.start(conn, house.max)
        monkeypatch.setattr(session, "_token", lambda: token)
        app = page(PAGE)
        assert "Nothing is released here yet" in texts(app)
        app.selectbox(key="releases.production.case").set_value(first).run()
        app = sign(app, "releases.production.release", reason="As agreed.", password="not the right words")
        assert "not your password" in app.error[0].value
        app = sign(app, "releases.production.release", reason="As agreed.")
        assert "Released." in app.success[0].value
        assert pointer(house)["sign_off_id"] == first
        app.selectbox(key="releases.production.case").set_value(second).run()
        app = sign(app, "releases.production.release", reason="Shorter.")
        assert pointer(house)["sign_off_id"] == second
        assert "Valid until" in texts(app)
        assert "3 dev samples and 3 retain samples" in texts(app)
        asked = next(one for one in app.dataframe if "Answer when it was signed" in one.value)
        assert sorted(set(asked.value["Part"])) == ["dev", "retain"]
        app = sign(app, "releases.production.roll_back", reason="Wrong since noon.")
        assert "0 of 6 check questions" in app.success[0].value  # the stub says other things than the script did
        assert len(server.seen) == 6
    assert pointer(house)["sign_off_id"] == first
    moves = next(one for one in app.dataframe if "Act" in one.value)
    assert list(moves.value["Act"]) == ["rolled back", "released", "released"]
    assert list(moves.value["Reason"]) == ["Wrong since noon.", "Shorter.", "As agreed."]
    assert app.get("vega_lite_chart")
    assert list(moves.value["Signed by"]) == ["Max"] * 3
    assert all(one.endswith(" UTC") for one in moves.value["Time (UTC)"])
    inventory = next(one for one in app.dataframe if "Next review" in one.value)
    assert list(inventory.value["Model"]) == ["Far"]
    assert list(inventory.value["Still holds"]) == ["yes"]
    assert list(inventory.value["Name"]) == ["Production"]
    assert list(inventory.value["Knowledge index"]) == list(inventory.value["Judge"]) == ["none"]

    sheet = openpyxl.load_workbook(io.BytesIO(_inventory.book(inventory.value))).active
    assert [cell.value for cell in sheet[2]][6] == "Far"

    conn.execute("update prompts set system = 'Sort quickly.' where system = 'Sort.'")
    judge = {"name": "Facts", "model": "Big", "judge_id": "judge-1", "calibration": {"samples": 60}}
    used = {"index": {"index_id": "index-1", "k": 4}, "judge": [judge]}
    conn.execute("update releases set manifest = json_merge_patch(manifest, ?)", [json.dumps(used)])
    app = page(PAGE)
    assert "does not hold any more" in texts(app)
    assert any("- Sort.\n+ Sort quickly." in one.value for one in app.code)
    inventory = next(one for one in app.dataframe if "Next review" in one.value)
    assert list(inventory.value["What has changed"]) == ["Prompts"]
    assert list(inventory.value["Knowledge index"]) == ["at most 4 passages of the knowledge base, version –"]
    assert list(inventory.value["Judge"]) == ["Facts (Big, held against people on 60 samples)"]
    app = page("release/sign_off.py")
    trial_id = sign_offs.find(conn, first).trial_id
    app.selectbox(key="sign_off.trial").set_value(trial_id).run()
    shown = [one.value for one in app.code]
    assert any("- Sort.\n+ Sort quickly." in one for one in shown), shown
    assert not app.exception
