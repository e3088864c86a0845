"""Aliases move by signature only, one move wins, and what was damaged is never served."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from core import content
from core.access import roles
from core.errors import Refusal
from core.release import inventories, production, publishing, releases, sign_offs
from core.release.smoke import Smoke
from core.store import audit, database
from tests.core.release.conftest import House


def move(house: House, sign_off_id: str, by, alias="production", expected=None, **how) -> str:
    task_id = house.world.task.task_id
    bound = releases.form(task_id, alias, sign_off_id, expected)
    signing = house.signing(by, f"release:{sign_off_id}", bound, **how)
    settings = house.world.settings
    return releases.release(house.conn, settings, sign_off_id, alias, signing, by=by, expected=expected)


def back(house: House, release_id: str, by, expected) -> None:
    """No model answers in these tests (see test_smoke.py), so the check questions are taken as answered."""
    bound = releases.form(house.world.task.task_id, "production", release_id, expected)
    signing = house.signing(by, f"release:{release_id}", bound, reason="Wrong amounts since noon.")
    settings = house.world.settings
    releases.roll_back(
        house.conn, settings, release_id, "production", signing, by=by, expected=expected, trying=as_signed
    )


def as_signed(bundle) -> Smoke:
    return Smoke(asked=len(bundle.smoke()), same=len(bundle.smoke()))


def pointer(house: House, alias="production"):
    found = releases.current(house.conn, house.world.task.task_id, alias)
    return found and found["release_id"]


@pytest.fixture
def house(enter):
    """With an approved sign-off."""
    return enter("signed")


@pytest.fixture
def signed(house):
    return sign_offs.of_trial(house.conn, house.trial_id)[0].sign_off_id


def another(house: House) -> str:
    """A second sign-off of the same trial, as it would be after the first ran out."""
    today = database.now().date()
    house.end(today - timedelta(days=1))
    first = sign_offs.of_trial(house.conn, house.trial_id)[0]
    house.conn.execute(
        """
        insert into sign_offs by name select * replace ('second' as sign_off_id, number + 1 as number)
        from sign_offs where sign_off_id = ?
        """,
        [first.sign_off_id],
    )
    house.end(today + timedelta(days=30), "second")
    house.sign("second", house.ann)
    return "second"


def test_a_release_is_a_folder_whose_every_file_is_hashed_and_the_server_is_told(house, signed):
    release_id = move(house, signed, house.max)
    folder = publishing.folder_of(house.world.settings) / release_id
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["files"]) == {"prompt.json", "smoke.jsonl", "adapter/adapter_model.safetensors"}
    assert manifest["sign_off"]["digest"] == sign_offs.find(house.conn, signed).digest
    assert manifest["sign_off"]["signatures"][0]["name"] == "Ann"
    told = json.loads((folder.parent / "aliases.json").read_text())
    ((name, task),) = told.items()
    assert name.startswith("parcels-")
    assert task["aliases"] == {
        "production": {"release_id": release_id, "digest": content.file_digest(folder / "manifest.json")}
    }
    assert audit.first_bad_entry(house.conn) is None


def test_only_what_was_approved_is_released(enter):
    house = enter("passes")
    sign_off_id = house.put_up(house.trial_id)
    with pytest.raises(Refusal, match="Nobody has approved"):
        move(house, sign_off_id, house.max)
    house.sign(sign_off_id, house.max, "rejected")
    with pytest.raises(Refusal, match="Nobody has approved"):
        move(house, sign_off_id, house.max)
    assert pointer(house) is None


def test_a_stale_sign_off_or_an_altered_model_file_is_not_released(house, signed):
    path = house.conn.execute("select path from models where kind = 'local'").fetchone()[0]
    with open(f"{path}/model.safetensors", "a") as file:
        file.write(" ")
    with pytest.raises(Refusal, match=r"Model files have changed since they were tested \(model"):
        move(house, signed, house.max)
    house.conn.execute("update prompts set system = system || '.'")
    with pytest.raises(Refusal, match="does not hold any more"):
        move(house, signed, house.max)


@pytest.mark.parametrize("name", ["mina", "ann", "max", "eve", "root"])
def test_only_approvers_and_managers_move_an_alias(house, signed, name):
    by = getattr(house, name)
    if roles.may(by, "release.move"):
        assert move(house, signed, by) == pointer(house)
    else:
        with pytest.raises(Refusal, match="Only an approver"):
            move(house, signed, by)
        assert pointer(house) is None


def test_of_two_moves_at_once_exactly_one_wins(house, signed):
    bound = releases.form(house.world.task.task_id, "production", signed, None)
    forms = [(by, house.signing(by, f"release:{signed}", bound)) for by in (house.ann, house.max)]

    def go(by, signing):
        try:
            conn = house.conn.cursor()
            releases.release(conn, house.world.settings, signed, "production", signing, by=by, expected=None)
        except Refusal as refusal:
            return refusal.message
        return "won"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(lambda one: go(*one), forms))
    assert said == [releases.MOVED, "won"]
    assert house.conn.execute("select count(*) from alias_moves").fetchone() == (1,)
    assert house.conn.execute("select count(*) from signatures where kind = 'release'").fetchone() == (1,)


def test_the_way_back_is_one_signed_move_and_leaves_both_in_the_history(house, signed):
    first = move(house, signed, house.max)
    second = move(house, another(house), house.max, expected=first)
    assert pointer(house) == second != first
    back(house, first, house.ann, expected=second)
    assert pointer(house) == first
    history = releases.moves(house.conn, house.world.task.task_id)
    assert [(one["number"], one["meaning"], one["printed_name"]) for one in history] == [
        (1, "rolled_back", "Ann"), (2, "released", "Max"), (1, "released", "Max"),
    ]  # fmt: skip
    told = json.loads((publishing.folder_of(house.world.settings) / "aliases.json").read_text())
    assert next(iter(told.values()))["aliases"]["production"]["release_id"] == first


def test_there_is_no_way_back_to_a_damaged_bundle_or_to_one_that_never_answered(house, signed):
    first = move(house, signed, house.max)
    second = move(house, another(house), house.max, expected=first)
    candidate = publishing.folder_of(house.world.settings) / first / "prompt.json"
    candidate.write_text(candidate.read_text() + " ")
    with pytest.raises(Refusal, match=r"prompt.json .* not the one that was released"):
        back(house, first, house.ann, expected=second)
    with pytest.raises(Refusal, match="no way back"):
        back(house, "release-of-nobody", house.ann, expected=second)
    assert pointer(house) == second


def test_candidate_and_production_move_apart(house, signed):
    release_id = move(house, signed, house.max, alias="candidate")
    assert (pointer(house, "candidate"), pointer(house)) == (release_id, None)
    assert move(house, signed, house.max) == release_id


def test_a_kill_between_the_move_and_the_file_is_mended_at_the_next_start(house, signed):
    move(house, signed, house.max)
    folder = publishing.folder_of(house.world.settings)
    (folder / "aliases.json").write_text("{}")
    publishing.publish(house.conn, house.world.settings)
    assert json.loads((folder / "aliases.json").read_text())


def test_the_inventory_names_everything_in_use_with_owner_and_next_review(house, signed):
    move(house, signed, house.max)
    (row,) = inventories.everything(house.conn)
    assert (row["owner"], row["model"], row["signed_by"], row["stale"]) == ("mina", "Base · v1", ["Ann"], [])
    assert (row["purpose"], row["withdrawn"]) == ("Sorting parcels", 0)
    assert (row["index"], row["judges"]) == (None, [])
    move(house, signed, house.max, alias="candidate")
    listed = {(row["task_id"], row["alias"], row["release_id"]) for row in inventories.everything(house.conn)}
    assert listed == set(house.conn.execute("select task_id, alias, release_id from aliases").fetchall())
    assert len(listed) == 2
    house.conn.execute("update prompts set system = system || '.'")
    assert all(row["stale"] for row in inventories.everything(house.conn))


def test_a_key_is_shown_once_and_only_its_hash_is_kept(house):
    settings = house.world.settings
    key = production.make_key(house.conn, settings, "Till", by=house.mina)
    (made,) = production.keys(house.conn)
    assert json.loads((settings.data / "releases" / "keys.json").read_text()) == [made["key_hash"]]
    assert not any(key.encode() in path.read_bytes() for path in settings.data.rglob("*") if path.is_file())
    production.revoke_key(house.conn, settings, made["key_hash"], by=house.mina)
    assert json.loads((settings.data / "releases" / "keys.json").read_text()) == []


def test_kept_answers_become_samples_once_and_half_a_line_is_passed_over(house):
    settings, task_id = house.world.settings, house.world.task.task_id
    (settings.data / "served").mkdir()
    lines = [
        json.dumps({"served_id": f"s{number}", "task_id": task_id, "release_id": "r", "input": f"Where is {number}?",
                    "context": "", "answer": "here", "at": "2026-01-01T00:00:00"})
        for number in range(5)
    ]  # fmt: skip
    (settings.data / "served" / "20260101.jsonl").write_text("\n".join([*lines, '{"served_id": "s9", "ta']))
    assert [production.take_in(house.conn, settings), production.take_in(house.conn, settings)] == [5, 0]
    first = production.draw(house.conn, task_id, 3, by=house.mina)
    assert (first.counts, production.pool(house.conn, task_id)) == ({"dev": 3}, (5, 2))
    second = production.draw(house.conn, task_id, 10, by=house.mina)
    assert (second.version, second.counts, production.pool(house.conn, task_id)) == (2, {"dev": 5}, (5, 0))
    with pytest.raises(Refusal, match="not drawn yet"):
        production.draw(house.conn, task_id, 1, by=house.mina)


def test_what_was_asked_in_production_is_deleted_when_its_time_is_over_and_it_is_on_record(house):
    settings, conn, task_id = house.world.settings, house.conn, house.world.task.task_id
    assert production.kept(conn, task_id) == production.Kept(share=0.0, months=None)
    for wrong in ({"months": 5}, {"months": 121}, {"share": 1.1}):
        with pytest.raises(Refusal, match=r"6 to 120 months|between 0 and 100"):
            production.Kept(**wrong)
    now = database.now()
    ages = {"new": now, "half a year less a week": now - timedelta(days=175), "old": now - timedelta(days=190)}
    ages |= {"drawn": now - timedelta(days=400), "of another task": now - timedelta(days=400)}
    served = settings.data / "served"
    served.mkdir()
    for name, moment in ages.items():
        line = {"served_id": name, "task_id": task_id if "task" not in name else "another", "release_id": "r"}
        line |= {"input": f"I am {name}.", "context": "", "answer": "Yes.", "at": moment.isoformat()}
        with (served / f"{moment:%Y%m%d}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
    production.look_after(conn, settings)  # nobody has said how long, so all stay
    assert [path.name for path in served.iterdir()] == [f"{now:%Y%m%d}.jsonl"]  # the rest is in the database alone
    conn.execute("update served_answers set drawn_at = ? where served_id = 'drawn'", [now])
    production.keep(conn, settings, task_id, production.Kept(share=0.5, months=6), by=house.mina)
    assert [production.forget(conn), production.forget(conn)] == [1, 0]
    left = {name for (name,) in conn.execute("select served_id from served_answers").fetchall()}
    assert left == set(ages) - {"old"}
    ((said,),) = conn.execute("select detail from audit_events where act = 'served.forgotten'").fetchall()
    assert json.loads(said) | {"before": ""} == {"answers": 1, "months": 6, "before": ""}
    production.keep(conn, settings, task_id, production.Kept(share=0.5), by=house.mina)
    assert production.kept(conn, task_id).months is None  # for good, from now on
    assert production.take_in(conn, settings) == 0
    assert audit.first_bad_entry(conn) is None
