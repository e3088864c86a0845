"""What was not trained is proven, signed and released like a trial: a prompt alone, and a model behind an endpoint."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from core.access import people
from core.errors import Refusal
from core.evaluation import eval_sets, models, prompts, terms
from core.evaluation.prompts import Prompt
from core.release import (
    bundles,
    candidates,
    certificates,
    evidence,
    gates,
    involvement,
    plans,
    publishing,
    records,
    releases,
    sign_offs,
    smoke,
)
from core.release.signatures import MEANINGS
from core.store import database
from core.training import trials
from tests import chain, openai_server
from tests.core.release.conftest import PASSWORD

BETTER = chain.shares(A=0.25, B=0.25, before=1.0, after=1.0)


@pytest.fixture
def house(enter):
    """With a ladder, and nothing trained."""
    return enter("ready")


def propose(house, after_model=None, after_rung="B", by=None, eval_set=None):
    world = house.world
    rungs = dict(world.ladder.rungs)
    trial_id = candidates.propose(
        world.conn,
        by=by or world.by,
        eval_set=eval_set or world.eval_set,
        rung="A",
        before=(rungs["A"], world.base),
        after=(rungs[after_rung], after_model or world.base),
    )
    chain.work(world, BETTER)
    return trial_id


def release(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    assert house.sign(sign_off_id, house.ann) == "approved"
    bound = releases.form(house.world.task.task_id, "candidate", sign_off_id, None)
    signing = house.signing(house.max, f"release:{sign_off_id}", bound)
    settings = house.world.settings
    release_id = releases.release(house.conn, settings, sign_off_id, "candidate", signing, by=house.max, expected=None)
    (row,) = releases.of_task(house.conn, house.world.task.task_id)
    return sign_off_id, bundles.read(publishing.folder_of(settings) / release_id, row["digest"])


def test_a_prompt_alone_is_proven_signed_certified_and_released(house):
    trial_id = propose(house)
    assert plans.report(house.conn, trial_id) is None  # no peeking before a plan is signed
    sign_off_id, bundle = release(house, trial_id)
    assert gates.judge(house.conn, trial_id).passed
    assert (bundle.base, bundle.adapter, bundle.remote) == (Path(house.world.base.path), None, False)
    assert bundle.messages("Where is it?")[0] == {"role": "system", "content": "Sort."}
    assert set(bundle.manifest["files"]) == {"prompt.json", "smoke.jsonl"}
    assert [one["split"] for one in bundle.smoke()] == ["dev"] * 3 + ["retain"] * 3  # what must not break, too
    bundles.check_base(bundle)
    page = certificates.html(records.collect(house.conn, sign_off_id), "en")
    assert MEANINGS["approved"] in page
    house.conn.execute("update prompts set system = system || '.'")
    assert "prompts" in evidence.changed(house.conn, trial_id, bundle.manifest["sign_off"]["evidence"])


def test_a_model_behind_an_endpoint_is_released_with_its_address_and_never_its_key(house, monkeypatch):
    monkeypatch.setenv("FAR_KEY", "secret-of-the-far-server")
    far = models.register_api(
        house.conn, by=house.mina, name="Far", base_url="http://127.0.0.1:9/v1", api_model="far-1", key_env="FAR_KEY"
    )
    terms.agree(house.conn, by=house.mina, model_id=far.model_id, terms=terms.Terms(deadline_s=120))
    _, bundle = release(house, propose(house, after_model=far))
    assert bundle.remote
    assert bundle.manifest["model"] == {
        "kind": "api", "model_id": far.model_id, "name": "Far", "base_url": "http://127.0.0.1:9/v1",
        "api_model": "far-1", "key_env": "FAR_KEY", "deadline_s": 120.0,
    }  # fmt: skip
    assert not any(
        b"secret-of-the-far-server" in path.read_bytes()
        for path in house.world.settings.data.rglob("*")
        if path.is_file()
    )
    told = json.loads((publishing.folder_of(house.world.settings) / "aliases.json").read_text())
    assert list(next(iter(told.values()))["aliases"]) == ["candidate"]


def test_what_must_not_break_in_another_set_is_asked_before_a_way_back_as_it_was_proven(house):
    world, schema = house.world, {"type": "object", "required": ["said"]}
    own = {"by": world.by, "task_id": world.task.task_id}
    rows = [chain.row("dev", number) for number in range(2)] + [chain.row("gate", number) for number in range(40)]
    eval_set = eval_sets.save(house.conn, name="Parcels", rows=rows, scorer="exact", **own)
    manners = [chain.row("retain", 100 + number) for number in range(60)]
    eval_sets.save(house.conn, name="Manners", rows=manners, scorer="exact", **own)
    polite = Prompt(name="M", system="Be polite.", template="They say: {input}", schema=schema)
    prompts.save_ladder(house.conn, eval_set_name="Manners", rungs=[("M", polite)], **own)
    with openai_server.serve() as server:
        far = models.register_api(house.conn, by=house.mina, name="Far", base_url=server.base_url, api_model="tiny")
        _, bundle = release(house, propose(house, far, eval_set=eval_set))
        found = bundle.smoke()
        assert [(one["split"], one["eval_set"]) for one in found] == [("dev", "Parcels")] * 2 + [
            ("retain", "Manners")
        ] * 3
        assert [one["asked"]["schema"] for one in found[2:]] == [schema] * 3
        assert smoke.check(bundle).asked == 5
    said = [[message["content"] for message in body["messages"]] for body in server.seen]
    assert said == [["Sort.", one["input"]] for one in found[:2]] + [
        ["Be polite.", f"They say: {one['input']}"] for one in found[2:]
    ]


def test_a_candidate_is_no_training_trial_and_the_same_twice_is_none(house):
    trial_id = propose(house)
    task_id = house.world.task.task_id
    assert trials.of_task(house.conn, task_id) == []
    assert [one["trial_id"] for one in trials.contenders(house.conn, task_id)] == [trial_id]
    with pytest.raises(Refusal, match="Both sides are the same"):
        propose(house, after_rung="A")
    with pytest.raises(Refusal, match="Only an operator"):
        propose(house, by=house.eve)


def test_who_trained_the_model_cannot_approve_it_alone_when_somebody_else_puts_it_up(enter):
    house = enter("passes")
    conn, mina = house.conn, house.mina
    trained = trials.find(conn, house.trial_id)["model_id"]
    zoe = people.create(conn, name="Zoe", password=PASSWORD, roles_held=["operator"], by=mina)
    trial_id = propose(house, models.find(conn, trained), after_rung="A", by=zoe)
    house.plan(trial_id, by=zoe)
    house.label(trial_id)
    until = (database.now() + timedelta(days=90)).date()
    sign_off_id = sign_offs.request(conn, trial_id, by=zoe, scope="Sorting parcels", expires_on=until)
    assert involvement.of(conn, trial_id, "zoe") == {
        "eve": ("main_rater",), "mina": ("trainer",), "zoe": ("requester", "trainer"),
    }  # fmt: skip
    assert house.sign(sign_off_id, mina) == "open"
    assert house.sign(sign_off_id, house.max) == "approved"
    record = records.collect(conn, sign_off_id)
    assert (record["requested_by"], record["trained_by"], record["put_up_by"]) == ("Zoe", "Mina", "Zoe")
