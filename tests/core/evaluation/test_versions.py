"""Versions are numbered, compared by key, and brought back without losing any; groups move only while unused."""

from dataclasses import replace

import pytest

from core.errors import Refusal
from core.evaluation import eval_sets, prompts, splits, versions
from core.evaluation.prompts import Prompt
from tests.core.evaluation.test_eval_sets import rows, save, task_id  # noqa: F401  # fixtures


@pytest.fixture
def three(save):  # noqa: F811
    """Version 2 has one sample less, one more and one changed."""
    kept = [replace(row, split="dev") for row in rows(6)]
    first = save(kept, note="first")
    second = save([*kept[1:5], replace(kept[5], input="another question"), replace(rows(9)[8], split="train")])
    return first, second


def test_the_difference_of_two_versions_counts_by_key(conn, three):
    first, second = three
    found = versions.compare(conn, first.eval_set_id, second.eval_set_id)
    assert (found.added, found.removed, found.changed) == (1, 1, 1)
    by_key = {row["key"]: row for row in found.rows}
    assert (by_key["k5"]["change"], by_key["k5"]["parts"]) == ("changed", ["input"])
    assert (by_key["k5"]["input_before"], by_key["k5"]["input_after"]) == ("question 5", "another question")
    assert (by_key["k0"]["change"], by_key["k8"]["change"]) == ("removed", "added")
    assert versions.compare(conn, first.eval_set_id, first.eval_set_id).rows == []
    pages = [versions.compare(conn, first.eval_set_id, second.eval_set_id, offset=n, limit=1) for n in range(3)]
    assert [row for one in pages for row in one.rows] == found.rows
    assert {(one.added, one.removed, one.changed) for one in pages} == {(1, 1, 1)}


def test_a_difference_shows_no_text_of_a_locked_sample(conn, save):  # noqa: F811
    one = [replace(row, split="gate") for row in rows(2)]
    first, second = save(one), save([one[0], replace(one[1], input="secret")])
    (row,) = versions.compare(conn, first.eval_set_id, second.eval_set_id).rows
    assert row["change"] == "changed"
    assert "secret" not in str(row)


def test_restoring_makes_a_new_version_with_the_old_samples(conn, mina, three, task_id):  # noqa: F811
    first, second = three
    third = versions.restore(conn, by=mina, eval_set_id=first.eval_set_id, note="v2 was wrong")
    assert (third.version, third.eval_set_id not in (first.eval_set_id, second.eval_set_id)) == (3, True)
    assert eval_sets.samples(conn, third.eval_set_id) == eval_sets.samples(conn, first.eval_set_id)
    history = versions.history(conn, task_id, "Set")
    assert [(one["version"], one["note"], one["parent"]) for one in history] == [
        (3, "v2 was wrong", 1), (2, "", None), (1, "first", None),
    ]  # fmt: skip
    with pytest.raises(Refusal, match="Version 3 is the newest one already"):
        versions.restore(conn, by=mina, eval_set_id=third.eval_set_id)


def test_a_group_moves_while_nobody_used_it_and_never_after(conn, mina, save, task_id):  # noqa: F811
    first = save([replace(row, split="train") for row in rows(3)])
    moved = [replace(row, split="dev" if row.key == "k1" else "train") for row in rows(3)]
    second = save(moved, moves=True)
    assert splits.of_task(conn, task_id)["g1"] == "dev"
    assert (first.counts, second.counts) == ({"train": 3}, {"train": 2, "dev": 1})
    shown = prompts.Example.of(eval_sets.samples(conn, second.eval_set_id, "train")[0], "yes")
    prompt = Prompt(name="B", system="", template="{examples}{input}", examples=(shown,))
    prompts.save_ladder(conn, by=mina, task_id=task_id, eval_set_name="Set", rungs=[("B", prompt)])
    assert splits.used(conn, task_id) == {"g0"}
    with pytest.raises(Refusal, match="“k0” cannot move from “train” to “dev”"):
        save([replace(rows(1)[0], split="dev")], moves=True)
