"""Eval sets are frozen, numbered by version, and a group's split is decided once."""

from collections import Counter
from dataclasses import replace

import pytest

from core.errors import Refusal
from core.evaluation import eval_sets, splits, tasks
from core.intake.importing import Row


def rows(count, group=lambda n: f"g{n}"):
    return [
        Row(key=f"k{n}", input=f"question {n}", context="", reference="yes", kind="practice", pair="",
            group_id=group(n), split=None, critical=False, tags=("en",), line=n + 2)
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def task_id(conn, mina):
    return tasks.create(conn, by=mina, name={"en": "Triage"}, description={"en": ""}).task_id


@pytest.fixture
def save(conn, mina, task_id):
    def save_rows(wanted, name="Set", **more):
        return eval_sets.save(conn, by=mina, task_id=task_id, name=name, rows=wanted, scorer="exact", **more)

    return save_rows


def test_the_same_content_is_the_same_version_and_new_content_the_next(save):
    first = save(rows(10))
    assert save(rows(10)) == first
    second = save(rows(11))
    assert (first.version, second.version) == (1, 2)
    assert first.eval_set_id != second.eval_set_id


def test_a_group_keeps_its_split_in_every_later_version_whatever_the_shares(conn, save):
    first = save(rows(200))
    before = {sample.key: sample.split for sample in eval_sets.samples(conn, first.eval_set_id)}
    second = save(rows(220), shares={"dev": 0.0, "train": 0.0, "gate": 1.0, "retain": 0.0})
    after = {sample.key: sample.split for sample in eval_sets.samples(conn, second.eval_set_id)}
    assert {key: after[key] for key in before} == before
    assert {after[f"k{n}"] for n in range(200, 220)} == {"gate"}


def test_samples_of_one_group_are_never_in_two_splits(conn, save):
    saved = save(rows(300, group=lambda n: f"g{n % 40}"))
    splits = {}
    for sample in eval_sets.samples(conn, saved.eval_set_id):
        splits.setdefault(sample.group_id, set()).add(sample.split)
    assert all(len(of_group) == 1 for of_group in splits.values())


def test_the_shares_are_kept_within_what_chance_allows():
    drawn = Counter(splits.of_group("task", f"group {n}", splits.SHARES) for n in range(10_000))
    for split, share in splits.SHARES.items():
        assert abs(drawn[split] / 10_000 - share) < 0.02


def test_shares_that_do_not_add_up_are_refused(save):
    with pytest.raises(Refusal, match="add up to 90%"):
        save(rows(3), shares={"dev": 0.5, "train": 0.4, "gate": 0.0, "retain": 0.0})


def test_a_row_cannot_move_its_group_to_another_split_and_nothing_is_saved(conn, save):
    saved = save([replace(row, split="gate") for row in rows(3)])
    moved = [replace(rows(1)[0], split="train"), *rows(5)[3:]]
    with pytest.raises(Refusal, match="Row 2 asks for the split “train”, but its group “g0” is in “gate”"):
        save(moved, name="Other")
    assert [one.eval_set_id for one in eval_sets.of_task(conn, saved.task_id)] == [saved.eval_set_id]
    assert conn.execute("select count(*) from samples").fetchone() == (3,)


def test_no_rows_and_no_name_are_refused(save):
    with pytest.raises(Refusal, match="no row to save"):
        save([])
    with pytest.raises(Refusal, match="needs a name"):
        save(rows(1), name="  ")


def test_ten_thousand_rows_go_in_at_once(conn, save):
    saved = save(rows(10_003))
    assert sum(saved.counts.values()) == 10_003
    keys = [sample.key for sample in eval_sets.samples(conn, saved.eval_set_id)]
    assert keys == [f"k{n}" for n in range(10_003)]
