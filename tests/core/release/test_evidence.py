"""What a signature is bound to: any one thing altered is named."""

import hashlib
from dataclasses import replace

import pytest

from core import content
from core.errors import Refusal
from core.evaluation import prompts
from core.release import evidence, releases, sign_offs
from core.training import trials

ALTERED = {
    "terms": "update sign_offs set scope = 'Anything'",
    "plan": "update release_plans set reason = reason || '.'",
    "rubric": 'update rubrics set guidelines = \'{"en": "Be kind."}\'',
    "eval_sets": "update eval_sets set scorer = 'contains'",
    "samples": "update samples set reference = reference || '.' where split = 'gate'",
    "runs": "update runs set decoding = '{\"max_new_tokens\": 49}' where purpose = 'proof'",
    "answers": "update answers set text = text || '.' where run_id in (from runs select run_id where side = 'after')",
    "scores": "update scores set reason = reason || '.'",
    "ratings": "update ratings set note = note || '.'",
    "breakages": "insert into breakages values (99, $trial, 's', 'accepted', 'r', 'eve', now()::timestamp)",
    "prompts": "update prompts set system = system || '.'",
    "base": "update models set file_hashes = '{}' where kind = 'local'",
    "adapter": "update models set file_hashes = '{}' where kind = 'adapter'",
    "training": "update training_rows set completion = completion || '.'",
}


SINCE = {
    2: {
        "update prompts set examples = '[{}]'": "prompts",
        'update prompts set schema = \'{"type": "string"}\'': "prompts",
        "update samples set fields = '{\"country\": \"CH\"}' where split = 'gate'": "samples",
        "update samples set kind = 'concept'": "samples",
        "update samples set pair = 'p'": "samples",
        "update ratings set points = 4": "ratings",
        "update ratings set flagged = not flagged": "ratings",
        "update ratings set origin = 'rewritten'": "ratings",
        "update runs set index_id = 'index-1', k = 3 where purpose = 'proof'": "runs",
        "update runs set k = 3 where purpose = 'proof'": "runs",
        "update rubrics set reference = 'hidden'": "rubric",
        "update training_rows set teacher = 't'": "training",
    },
    3: {"update answers set cut = true where run_id in (from runs select run_id where side = 'after')": "answers"},
}

"""Version of the hashes -> what they cover since then, and the item that it belongs to."""


def test_any_one_thing_altered_is_named_and_the_signature_no_longer_matches(enter):
    house = enter("signed")
    case = sign_offs.of_trial(house.conn, house.trial_id)[0]
    assert sign_offs.stale(house.conn, case) == []
    for version, statements in SINCE.items():
        before = evidence.collect(house.conn, house.trial_id, version=version - 1)
        for statement, item in statements.items():
            house.conn.begin()
            house.conn.execute(statement)
            assert sign_offs.stale(house.conn, case) == [item], statement
            now = evidence.collect(house.conn, house.trial_id, version=version - 1)
            assert now == before, statement  # as it always was
            house.conn.rollback()
    for item, statement in ALTERED.items():
        house.conn.begin()
        house.conn.execute(statement, {"trial": case.trial_id} if "$trial" in statement else None)
        found = sign_offs.stale(house.conn, sign_offs.find(house.conn, case.sign_off_id))
        house.conn.rollback()
        assert item in found
        assert set(found) <= {item, "runs"}, item


def test_a_later_end_than_was_signed_is_named(enter):
    house = enter("signed")
    house.conn.execute("update sign_offs set expires_on = expires_on + 365")
    case = sign_offs.of_trial(house.conn, house.trial_id)[0]
    assert sign_offs.stale(house.conn, case) == ["terms"]
    with pytest.raises(Refusal, match="does not hold any more"):
        releases.release(
            house.conn, house.world.settings, case.sign_off_id, "production",
            house.signing(house.max, "any", "any"), by=house.max, expected=None,
        )  # fmt: skip


def test_every_item_is_covered_by_that_test_or_by_the_next():
    assert set(evidence.ITEMS) - set(ALTERED) == {"index", "judge", "statistics"}  # of the first two: test_aids.py


def test_another_version_of_the_statistics_makes_the_sign_off_stale(house, trial_id, monkeypatch):
    sign_off_id = house.put_up(trial_id)
    monkeypatch.setattr(evidence, "statistics", lambda: "another version")
    assert sign_offs.stale(house.conn, sign_offs.find(house.conn, sign_off_id)) == ["statistics"]


def test_a_signature_of_an_earlier_version_is_checked_as_it_was_made(enter):
    house = enter("signed")
    case = sign_offs.of_trial(house.conn, house.trial_id)[0]
    assert case.evidence_version == evidence.VERSION == max(SINCE)
    query = "update sign_offs set evidence_version = ?, evidence = ?, digest = ?"
    for version, item, missing in ((1, "prompts", evidence.LATER), (2, "answers", ())):
        found = evidence.collect(house.conn, house.trial_id, version=version)
        first = {name: hashed for name, hashed in found.items() if name not in missing}
        assert first[item] != case.evidence[item]
        house.conn.execute(query, [version, content.canonical(first), evidence.digest(first)])
        old = sign_offs.find(house.conn, case.sign_off_id)
        assert sign_offs.stale(house.conn, old) == []
        house.conn.begin()
        house.conn.execute("update samples set reference = reference || '.' where split = 'gate'")
        assert sign_offs.stale(house.conn, old) == ["samples"]
        house.conn.rollback()


def test_another_prompt_on_its_rung_or_other_bytes_on_the_disk_make_it_stale(enter):
    house = enter("signed")
    case = sign_offs.of_trial(house.conn, house.trial_id)[0]
    ladder = house.world.ladder
    (rung, was), *others = ladder.rungs
    assert trials.find(house.conn, house.trial_id)["prompt_id"] == was.prompt_id
    changed = replace(was, system=was.system + "\nBe brief.", parent_id=was.prompt_id)

    def save(*rungs):
        given = {"by": house.mina, "task_id": house.world.task.task_id, "eval_set_name": ladder.eval_set_name}
        prompts.save_ladder(house.conn, rungs=list(rungs), **given)

    save((rung, changed), *others)
    assert sign_offs.stale(house.conn, case) == ["prompts"]
    assert "+ Be brief." in sign_offs.difference(house.conn, case)["prompts"]
    with pytest.raises(Refusal, match="does not hold any more"):
        releases.release(
            house.conn, house.world.settings, case.sign_off_id, "production",
            house.signing(house.max, "any", "any"), by=house.max, expected=None,
        )  # fmt: skip
    again = house.request(house.trial_id)  # what does not hold is put up anew, as things are now
    assert sign_offs.stale(house.conn, sign_offs.find(house.conn, again)) == []
    save((rung, was), *others)
    assert sign_offs.stale(house.conn, case) == []

    (house.world.settings.models / "base" / "model.safetensors").write_text("{ }")
    assert sign_offs.stale(house.conn, case) == ["base"]
    gone, new = sign_offs.difference(house.conn, case)["base"]
    assert gone.startswith("- model.safetensors  ")
    assert new == "+ model.safetensors  " + hashlib.sha256(b"{ }").hexdigest()
    (house.world.settings.models / "base" / "model.safetensors").unlink()
    assert sign_offs.difference(house.conn, case)["base"][1] == "+ model.safetensors  —"


def test_a_byte_changed_in_a_model_file_is_found(house, trial_id):
    assert evidence.damaged(house.conn, trial_id) == []
    (house.world.settings.models / "base" / "model.safetensors").write_text("{ }")
    assert evidence.damaged(house.conn, trial_id) == ["model.safetensors"]


def test_evidence_that_changed_after_it_was_put_up_cannot_be_signed(house, trial_id):
    sign_off_id = house.put_up(trial_id)
    house.conn.execute(ALTERED["ratings"])
    with pytest.raises(Refusal, match=r"has changed since it was put up \(ratings\)"):
        house.sign(sign_off_id, house.ann)
