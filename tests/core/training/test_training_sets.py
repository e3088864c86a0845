import json
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from core.access import identities, people
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import eval_sets
from core.review import approvals
from core.settings import Settings
from core.store import database
from core.training import drafts, leakage, training_sets, waivers
from tests import chain
from tests.chain import World


@pytest.fixture
def world(settings: Settings, mina: Person) -> Iterator[World]:
    """12 approved train samples: 3 as they are, 9 corrected."""
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=2, train=12, gate=4, retain=2)
    chain.to_approval(world)
    yield world
    connection.close()


def freeze(world, **more):
    prompt = world.ladder.rungs[0][1]
    fields = {"by": world.by, "task_id": world.task.task_id, "prompt": prompt, **more}
    return training_sets.freeze(world.conn, **fields)


def twin_of(world, split):
    """Add a sample to the split that asks what the first train sample asks, in other words."""
    train = eval_sets.samples(world.conn, world.eval_set.eval_set_id, "train")[0]
    row = replace(chain.row(split, 99), key="twin", input=train.input.upper().replace(" ", "  ") + "!", group_id="twin")
    eval_sets.save(world.conn, by=world.by, task_id=world.task.task_id, name="Twins", rows=[row], scorer="exact")
    return train


def test_a_training_set_is_what_was_approved_as_the_prompts_messages(world):
    frozen = freeze(world)
    assert frozen.row_count == 12
    assert frozen.composition == {
        "as_is": 3,
        "corrected": 9,
        "written": {"reference": 9},
        "rewriters": {},
        "tags": {},
        "languages": {"other": 12},
        "authors": {"mina": 12},
        "left_out": [],
        "waived": [],
    }
    rows = training_sets.rows(world.conn, frozen.training_set_id)
    samples = {sample.input: sample for sample in eval_sets.samples(world.conn, world.eval_set.eval_set_id, "train")}
    for row in rows:
        system, user = row["messages"]
        assert system == {"role": "system", "content": "Answer."}
        assert row["completion"] == samples[user["content"]].reference


def test_the_same_approvals_and_prompt_are_the_same_set(world):
    first = freeze(world)
    assert freeze(world).training_set_id == first.training_set_id
    assert freeze(world, prompt=world.ladder.rungs[1][1]).training_set_id != first.training_set_id
    assert len(training_sets.of_task(world.conn, world.task.task_id)) == 2


def test_a_withdrawn_approval_is_not_in_a_new_set_and_stays_in_the_old(world):
    before = freeze(world)
    withdrawn = approvals.approved(world.conn, world.task.task_id)[0]
    approvals.withdraw(
        world.conn, by=world.by, task_id=world.task.task_id, sample_id=withdrawn["sample_id"], reason="Outdated."
    )
    after = freeze(world)
    assert (before.row_count, after.row_count) == (12, 11)
    assert len(training_sets.rows(world.conn, before.training_set_id)) == 12
    inputs = [row["messages"][1]["content"] for row in training_sets.rows(world.conn, after.training_set_id)]
    assert withdrawn["input"] not in inputs


@pytest.mark.parametrize("split", ["gate", "retain"])
def test_what_a_locked_sample_asks_too_is_left_out_and_shown_with_it(world, split):
    train = twin_of(world, split)
    frozen = freeze(world)
    (pair,) = frozen.composition["left_out"]
    assert frozen.row_count == 11
    assert (pair["sample_id"], pair["input"], pair["locked_key"]) == (train.sample_id, train.input, "twin")
    assert pair["likeness"] >= 90
    known = training_sets.find(world.conn, frozen.training_set_id)
    assert known == frozen


def test_a_dev_sample_may_be_alike(world):
    twin_of(world, "dev")
    assert freeze(world).row_count == 12


@pytest.mark.parametrize("split", ["gate", "retain", "dev"])
@pytest.mark.parametrize("claimed", ["own", "train"])
def test_the_database_itself_refuses_other_splits(world, split, claimed):
    """By the split it has, and by its id under the false name of train."""
    sample = eval_sets.samples(world.conn, world.eval_set.eval_set_id, split)[0]
    row = {"training_set_id": "forged", "position": 0, "sample_id": sample.sample_id, "approval_id": 1}
    row |= {"split": split if claimed == "own" else "train", "messages": json.dumps([]), "completion": "late"}
    with pytest.raises(duckdb.ConstraintException):
        database.insert(world.conn, "training_rows", [row])
    assert database.rows(world.conn, "select * from training_rows") == []


def test_nothing_to_learn_from_is_refused(settings, mina):
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=2, train=2, gate=4, retain=2)
    with pytest.raises(Refusal, match="No approved sample can be trained on: 0 are approved"):
        freeze(world)
    connection.close()


def test_only_an_operator_freezes(world):
    with pytest.raises(Refusal, match="Only an operator"):
        freeze(world, by=replace(world.by, roles=frozenset({"approver", "expert"})))


def test_freezing_is_audited(world):
    frozen = freeze(world)
    event = database.row(world.conn, "select * from audit_events where act = 'training_set.frozen'")
    assert (event["actor"], event["subject"], event["detail"]) == ("mina", frozen.training_set_id, '{"rows":12}')


def test_pairs_are_the_corrected_answers_with_the_original_as_the_worse_one(world):
    frozen = freeze(world, method="dpo")
    assert (frozen.row_count, frozen.method) == (9, "dpo")
    rows = training_sets.rows(world.conn, frozen.training_set_id)
    assert {row["rejected"] for row in rows} == {"I am not sure."}
    assert all(row["completion"] in ("late", "lost", "here") for row in rows)
    assert training_sets.find(world.conn, frozen.training_set_id) == frozen


def test_a_signed_waiver_lets_one_pair_through_and_is_audited(world):
    train = twin_of(world, "gate")
    (pair,) = drafts.of_task(world.conn, world.task.task_id).left_out
    names = {name: pair[name] for name in ("sample_id", "locked_sample_id")}
    people.create_first(world.conn, name="Mina", password="four plain words here")
    ask = {"by": world.by, "task_id": world.task.task_id, **names}
    with pytest.raises(Refusal, match="needs a reason"):
        waivers.sign(world.conn, password="four plain words here", reason=" ", **ask)
    with pytest.raises(Refusal):
        waivers.sign(world.conn, password="not my words at all", reason="Another product.", **ask)
    assert freeze(world).row_count == 11

    waivers.sign(world.conn, password="four plain words here", reason="Another product.", **ask)
    frozen = freeze(world)
    assert frozen.row_count == 12
    assert [pair["sample_id"] for pair in frozen.composition["waived"]] == [train.sample_id]
    event = database.row(world.conn, "select * from audit_events where act = 'leakage.waived'")
    assert json.loads(event["detail"])["reason"] == "Another product."
    with pytest.raises(Refusal, match="Only an approver"):
        waivers.sign(world.conn, password="x", reason="x", **{**ask, "by": replace(world.by, roles=frozenset())})


def test_a_sample_of_a_locked_group_is_left_out_whatever_it_says(world):
    train = eval_sets.samples(world.conn, world.eval_set.eval_set_id, "train")[0]
    world.conn.execute(
        "update samples set group_id = ? where sample_id = (select min(sample_id) from samples where split = 'gate')",
        [train.group_id],
    )
    assert [pair["sample_id"] for pair in drafts.of_task(world.conn, world.task.task_id).left_out] == [train.sample_id]


def test_what_may_be_a_paraphrase_is_listed_and_nothing_is_decided(world):
    train = eval_sets.samples(world.conn, world.eval_set.eval_set_id, "train")[0]
    text = "Please, " + train.input.replace("Where is", "where on earth could it be,")
    row = replace(chain.row("gate", 99), key="other words", input=text, group_id="other")
    eval_sets.save(world.conn, by=world.by, task_id=world.task.task_id, name="Other", rows=[row], scorer="exact")
    draft = drafts.of_task(world.conn, world.task.task_id)
    assert len(draft.rows) == 12
    first = drafts.paraphrases(world.conn, world.task.task_id, draft)[0]
    assert (first["sample_id"], first["locked_key"]) == (train.sample_id, "other words")
    assert 30 <= first["likeness"] < 90


def test_likeness_is_the_share_of_common_letters_in_threes():
    """ "abcd" has abc and bcd, "bcde" bcd and cde: one of three in common."""
    (pair,) = leakage.paraphrases(["ABCD", "xyz"], ["q", "bcde"])
    assert (pair.train, pair.locked, pair.likeness) == (0, 1, 33.3)
    assert leakage.paraphrases([], ["a"]) == []


def test_languages_are_told_by_their_letters():
    assert [drafts.language(text) for text in ("Wo ist meine Karte?", "我的 card 丢了", "123")] == [
        "other",
        "zh",
        "other",
    ]


def test_who_has_no_password_here_waives_after_the_company_has_confirmed_them(world):
    twin_of(world, "gate")
    (pair,) = drafts.of_task(world.conn, world.task.task_id).left_out
    names = {name: pair[name] for name in ("sample_id", "locked_sample_id")}
    identity = identities.Identity(issuer="https://acme.example", subject="z", names=["Zoe"], groups=["g"])
    zoe = identities.admit(world.conn, identity, mapping={"g": ["approver"]})
    ask = {"by": zoe, "task_id": world.task.task_id, "password": "", "reason": "Another product.", **names}
    with pytest.raises(Refusal, match="Show first that it is you"):
        waivers.sign(world.conn, **ask)
    identities.confirm(world.conn, zoe, identity, waivers.FORM)
    waivers.sign(world.conn, **ask)
    assert len(waivers.of_task(world.conn, world.task.task_id)) == 1
