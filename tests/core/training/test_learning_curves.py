"""A quarter, half and all of what is approved: nested, with one recipe, measured on dev, and said in one sentence."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.access.people import Person
from core.diagnosis import learning
from core.errors import Refusal
from core.release import plans
from core.settings import Settings
from core.store import database
from core.training import drafts, estimates, learning_curves, recipes, training_sets, trials
from tests import chain
from tests.chain import World

ALONE = [f"g{n}" for n in range(40)]


def values(right: int) -> list[float]:
    return [1.0] * right + [0.0] * (40 - right)


@pytest.mark.parametrize(
    ("half", "full", "outcome"),
    [
        (10, 25, "helps"),  # 15 of 40 became right, none wrong
        (20, 20, "flat"),  # nothing changed: at most 6 points, where 10 are worth having
        (20, 23, "unknown"),
        (25, 10, "flat"),  # more samples made it worse
    ],
)
def test_what_the_last_step_means(half, full, outcome):
    found = learning.judge(values(half), values(full), smallest_gain=0.1, groups=ALONE)
    assert found.outcome == outcome
    assert "on 40 dev samples" in str(found.sentence)


def test_five_samples_say_nothing():
    assert learning.judge([0.0] * 5, [1.0] * 5, smallest_gain=0.1, groups=ALONE[:5]).outcome == "unknown"


@pytest.fixture
def world(settings: Settings, mina: Person) -> Iterator[World]:
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=40, train=48, gate=6, retain=2)
    chain.to_approval(world)
    yield world
    connection.close()


def start(world, **more):
    fields = {"by": world.by, "eval_set": world.eval_set, "prompt": world.ladder.rungs[0][1], "base": world.base}
    fields |= {"baseline": world.ladder.rungs[1], "recipe": recipes.default(48)}
    return learning_curves.start(world.conn, **(fields | more))


def test_three_nested_trials_one_sentence_and_one_proof(world):
    start(world)
    (curve,) = learning_curves.of_task(world.conn, world.task.task_id)
    assert [(one["part"], one["row_count"]) for one in curve["trials"]] == [(0.25, 12), (0.5, 24), (None, 48)]
    assert len({str(one["recipe"]) for one in curve["trials"]}) == 1
    quarter, half, full = (
        {row["messages"][1]["content"] for row in training_sets.rows(world.conn, one["training_set_id"])}
        for one in curve["trials"]
    )
    assert quarter < half < full
    assert learning_curves.measure(world.conn, world.task, curve).learning is None

    by_trial = {one["trial_id"]: share for one, share in zip(curve["trials"], (0.25, 0.5, 0.9), strict=True)}
    chain.work(world, lambda run, place, count: place < by_trial.get(run["trial_id"], 0.0) * count)
    (curve,) = learning_curves.of_task(world.conn, world.task.task_id)
    found = learning_curves.measure(world.conn, world.task, curve)
    assert found.points[["rows", "value", "n"]].to_numpy().tolist() == [[12, 0.25, 40], [24, 0.5, 40], [48, 0.9, 40]]
    assert found.learning.outcome == "helps"
    assert str(found.learning.sentence).startswith("More samples would help: from half of them to all +40 points on 40")

    asked = "select count(distinct trial_id) from runs where purpose = 'proof' and split <> 'dev'"
    assert world.conn.execute(asked).fetchone() == (1,)  # locked samples only for the trial on all
    (whole,) = trials.of_task(world.conn, world.task.task_id)
    assert plans.complete(world.conn, whole["trial_id"])
    assert {one["model_name"] for one in curve["trials"]} == {"Base · v1", "Base · v2", "Base · v3"}


def test_too_few_samples_no_dev_and_others_than_operators_are_refused(world):
    with pytest.raises(Refusal, match="Only an operator"):
        start(world, by=replace(world.by, roles=frozenset({"expert"})))
    with pytest.raises(Refusal, match="measured on dev samples"):
        start(world, eval_set=replace(world.eval_set, counts={"train": 48, "gate": 6}))
    with pytest.raises(Refusal, match="36 approved samples are too few"):
        start(world, recipe=recipes.default(48, "dpo"))
    assert learning_curves.of_task(world.conn, world.task.task_id) == []


def test_an_estimate_is_found_again_until_what_is_learned_changes(world):
    taught, recipe = world.ladder.rungs[0][1], recipes.default(48)
    frozen = training_sets.freeze(world.conn, by=world.by, task_id=world.task.task_id, prompt=taught)
    asked = (frozen.training_set_id, world.base.model_id)
    assert estimates.latest(world.conn, *asked, recipe) is None
    job_id = estimates.start(world.conn, by=world.by, training_set=frozen, base=world.base, recipe=recipe)
    assert estimates.latest(world.conn, *asked, recipe).job_id == job_id
    assert estimates.latest(world.conn, *asked, replace(recipe, batch_size=4)) is None
    draft = drafts.of_task(world.conn, world.task.task_id)
    assert training_sets.name(draft, world.task.task_id, taught) == frozen.training_set_id
    assert training_sets.name(replace(draft, rows=draft.rows[1:]), world.task.task_id, taught) != asked[0]
