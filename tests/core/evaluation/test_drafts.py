"""A draft keeps every edit at once, follows the rules of groups and splits, and overwrites nobody's version."""

from dataclasses import replace

import pytest

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import (
    choices,
    current_scorers,
    draft_edits,
    draft_rows,
    drafts,
    eval_sets,
    prompts,
    tasks,
    versions,
)
from core.evaluation.prompts import Prompt
from core.scoring import scorers
from core.store import database
from tests.core.evaluation.test_eval_sets import rows, save, task_id  # noqa: F401  # fixtures

PARTS = {0: "dev", 1: "dev", 2: "train", 3: "train", 4: "gate", 5: "retain"}


@pytest.fixture
def first(save):  # noqa: F811
    """k0 to k5; k2 and k3 are one group."""
    return save([replace(row, split=PARTS[n], group_id=f"g{min(n, 2) if n < 4 else n}")
                 for n, row in enumerate(rows(6))])  # fmt: skip


@pytest.fixture
def draft(conn, mina, first):
    return drafts.start(conn, by=mina, eval_set_id=first.eval_set_id)


@pytest.fixture
def edit(conn, mina, draft):
    def change(name, /, **parts):
        row_key = next(row.row_key for row in draft_rows.rows(conn, draft.draft_id) if row.key == name)
        return draft_edits.edit(conn, by=mina, draft_id=draft.draft_id, row_key=row_key, parts=parts)

    return change


def row_of(conn, draft, key):
    return next(row for row in draft_rows.rows(conn, draft.draft_id) if row.key == key)


def test_every_edit_is_there_after_a_restart_and_the_version_is_untouched(settings, mina):
    conn = database.connect(settings)
    task = tasks.create(conn.cursor(), by=mina, name={"en": "T"}, description={"en": ""}).task_id
    first = eval_sets.save(conn.cursor(), by=mina, task_id=task, name="Set", rows=rows(3), scorer="exact",
                           shares={"dev": 1.0, "train": 0.0, "gate": 0.0, "retain": 0.0})  # fmt: skip
    draft = drafts.start(conn.cursor(), by=mina, eval_set_id=first.eval_set_id)
    one = draft_rows.rows(conn.cursor(), draft.draft_id)[1]
    draft_edits.edit(conn.cursor(), by=mina, draft_id=draft.draft_id, row_key=one.row_key,
                     parts={"input": "谁？", "tags": "a, b", "critical": True, "kind": "concept"})  # fmt: skip
    conn.close()
    conn = database.connect(settings)
    found = drafts.find(conn.cursor(), mina, task, "Set")
    assert (found.changed, found.added, found.deleted) == (1, 0, 0)
    again = row_of(conn.cursor(), found, "k1")
    assert (again.input, again.tags, again.critical, again.kind) == ("谁？", ("a", "b"), True, "concept")
    assert [s.input for s in eval_sets.samples(conn.cursor(), first.eval_set_id)] == [f"question {n}" for n in range(3)]
    conn.close()


def test_added_edited_and_deleted_rows_become_the_next_version_with_its_note(conn, mina, task_id, first, draft, edit):  # noqa: F811
    edit("k0", reference="no")
    new = draft_edits.add(conn, by=mina, draft_id=draft.draft_id)
    draft_edits.edit(conn, by=mina, draft_id=draft.draft_id, row_key=new,
                     parts={"key": "n", "input": "new?", "split": "train"})  # fmt: skip
    draft_edits.delete(conn, by=mina, draft_id=draft.draft_id, row_keys=[row_of(conn, draft, "k5").row_key])
    assert draft_rows.counts(conn, draft.draft_id) == {"dev": 2, "train": 3, "gate": 1}
    with pytest.raises(Refusal, match="Say in the note"):
        drafts.save(conn, by=mina, draft_id=draft.draft_id, note=" ")
    second = drafts.save(conn, by=mina, draft_id=draft.draft_id, note="one more")
    assert (second.version, dict(second.counts)) == (2, {"dev": 2, "train": 3, "gate": 1})
    assert [s.key for s in eval_sets.samples(conn, second.eval_set_id)] == ["k0", "k1", "k2", "k3", "k4", "n"]
    newest = versions.history(conn, task_id, "Set")[0]
    assert (newest["note"], newest["parent"]) == ("one more", 1)
    again = [versions.row(n, s) for n, s in enumerate(eval_sets.samples(conn, second.eval_set_id), 1)]
    common = {"task_id": task_id, "name": second.name, "scorer": second.scorer, "schema": second.schema}
    assert eval_sets.save(conn, by=mina, rows=again, **common) == second, "the same content is the same version"
    assert drafts.find(conn, mina, task_id, "Set") is None
    with pytest.raises(Refusal, match="saved or dropped already"):
        draft_edits.add(conn, by=mina, draft_id=draft.draft_id)


def test_the_scorer_that_was_chosen_counts_for_the_next_version_too(conn, mina, first, draft, edit):
    number = scorers.read({"method": "numeric", "options": {"tolerance": 0.5}})
    choices.choose(conn, by=mina, eval_set=first, scorer=number)
    edit("k0", reference="5")
    second = drafts.save(conn, by=mina, draft_id=draft.draft_id, note="a number")
    assert second.version == 2
    assert current_scorers.of_set(conn, second) == number
    (chosen,) = choices.history(conn, second.eval_set_id)
    assert (chosen["scorer_id"], chosen["chosen_by"]) == (number.scorer_id, mina.person_id)
    choices.carry_over(conn, by=mina, before=first, after=second)
    assert len(choices.history(conn, second.eval_set_id)) == 1, "asked twice, as after a kill, it is one choice"


def test_locked_samples_are_not_in_the_grid_and_cannot_be_edited_but_stay_in_the_set(conn, mina, first, draft):
    assert [row.key for row in draft_rows.rows(conn, draft.draft_id)] == ["k0", "k1", "k2", "k3", "k5"]
    assert draft_rows.count(conn, draft.draft_id) == 5
    assert draft_rows.count(conn, draft.draft_id, "question 4") == 0
    locked = eval_sets.samples(conn, first.eval_set_id, "gate")[0].sample_id
    with pytest.raises(Refusal, match="locked for the proof"):
        draft_edits.edit(conn, by=mina, draft_id=draft.draft_id, row_key=locked, parts={"input": "easier"})
    with pytest.raises(Refusal, match="locked for the proof"):
        draft_edits.delete(conn, by=mina, draft_id=draft.draft_id, row_keys=[locked])


def test_a_group_moves_as_a_whole_while_unused_and_is_refused_with_the_reason_after(conn, mina, first, draft, edit):
    assert len(edit("k2", split="dev")) == 2
    assert row_of(conn, draft, "k3").split == "dev"
    edit("k2", split="train")
    shown = prompts.Example.of(eval_sets.samples(conn, first.eval_set_id, "train")[0], "yes")
    prompt = Prompt(name="B", system="", template="{examples}{input}", examples=(shown,))
    prompts.save_ladder(conn, by=mina, task_id=first.task_id, eval_set_name="Set", rungs=[("B", prompt)])
    with pytest.raises(Refusal, match="“k3” cannot move from “train” to “dev”"):
        edit("k3", split="dev")
    with pytest.raises(Refusal, match="“k3” cannot leave its group"):
        edit("k3", group_id="own")
    assert (row_of(conn, draft, "k3").split, row_of(conn, draft, "k3").group_id) == ("train", "g2")


def test_a_row_that_joins_a_group_takes_its_split(conn, draft, edit):
    edit("k0", group_id="g2")
    assert row_of(conn, draft, "k0").split == "train"


def test_the_second_of_two_people_is_told_and_nothing_is_overwritten(conn, mina, task_id, first, draft, edit):  # noqa: F811
    ben = Person(person_id="ben", name="Ben", roles=frozenset(roles.ROLES))
    his = drafts.start(conn, by=ben, eval_set_id=first.eval_set_id)
    assert drafts.others(conn, mina, task_id, "Set") == ["ben"]
    edit("k0", reference="no")
    one = draft_rows.rows(conn, his.draft_id)[0]
    draft_edits.edit(conn, by=ben, draft_id=his.draft_id, row_key=one.row_key, parts={"reference": "perhaps"})
    with pytest.raises(Refusal, match="somebody else's"):
        draft_edits.add(conn, by=ben, draft_id=draft.draft_id)
    second = drafts.save(conn, by=mina, draft_id=draft.draft_id, note="mine")
    with pytest.raises(Refusal, match="mina has saved version 2 of this set in the meantime"):
        drafts.save(conn, by=ben, draft_id=his.draft_id, note="his")
    assert eval_sets.samples(conn, second.eval_set_id)[0].reference == "no"
    assert row_of(conn, his, "k0").reference == "perhaps"
    drafts.drop(conn, by=ben, draft_id=his.draft_id)
    assert drafts.find(conn, ben, task_id, "Set") is None


def test_rows_that_cannot_be_saved_are_named_and_the_draft_stays(conn, mina, draft, edit):
    with pytest.raises(Refusal, match="Nothing was changed"):
        drafts.save(conn, by=mina, draft_id=draft.draft_id, note="x")
    edit("k1", input=" ")
    with pytest.raises(Refusal, match="The input of “k1” is empty"):
        drafts.save(conn, by=mina, draft_id=draft.draft_id, note="x")
    edit("k1", input="question 0")
    with pytest.raises(Refusal, match="“k0” and “k1” ask the same"):
        drafts.save(conn, by=mina, draft_id=draft.draft_id, note="x")
    edit("k1", input="question 1", key="k0")
    with pytest.raises(Refusal, match="Two rows have the key “k0”"):
        drafts.save(conn, by=mina, draft_id=draft.draft_id, note="x")
    with pytest.raises(Refusal, match="not a word known here"):
        edit("k2", split="proof")
