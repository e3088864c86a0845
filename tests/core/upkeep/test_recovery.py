"""Real damage to real files: it is noticed, nothing is changed by that, and only an admin's signature lets it go on."""

import shutil

import pytest

from core.access import people
from core.errors import Refusal
from core.settings import Settings
from core.store import anchors, audit, database
from core.upkeep import backups, recovery

PASSWORD = "four plain words here"


def write(conn, number):
    with audit.change(conn, actor="mina", act="test.written", subject=f"s{number}", detail={}):
        conn.execute("insert into group_splits values ('t', ?, 'dev')", [f"g{number}"])


def log_of(settings):
    return settings.database.with_name(settings.database.name + ".wal")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(recovery, "PAUSE_S", 0)


@pytest.fixture
def used(tmp_path):
    """A folder as a killed app leaves it: people in the database, the latest five changes only in its log."""
    live = Settings(data=tmp_path / "live")
    connection = database.connect(live)
    mina = people.create_first(connection.cursor(), name="Mina", password=PASSWORD)
    people.create(connection.cursor(), name="Eve", password=PASSWORD, roles_held=["expert"], by=mina)
    for number in range(3):
        write(connection.cursor(), number)
    connection.cursor().execute("checkpoint")
    shutil.copytree(live.data, tmp_path / "old")
    for number in range(3, 8):
        write(connection.cursor(), number)
    shutil.copytree(live.data, tmp_path / "data")
    connection.close()
    return Settings(data=tmp_path / "data")


def cut_log(settings, old):
    whole = log_of(settings).read_bytes()
    log_of(settings).write_bytes(whole[: len(whole) * 2 // 5])


def delete_log(settings, old):
    log_of(settings).unlink()


def swap(settings, old):
    delete_log(settings, old)
    shutil.copy(old / settings.database.name, settings.database)


DAMAGES = {"cut log": cut_log, "deleted log": delete_log, "older file": swap}


def test_what_a_killed_app_left_behind_is_opened_with_every_entry(used):
    connection = database.connect(used)
    assert audit.head(connection.cursor())[0] == 10
    connection.close()


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_missing_entries_are_counted_and_nothing_is_changed_until_somebody_signs(used, tmp_path, damage):
    DAMAGES[damage](used, tmp_path / "old")
    before = {path.name: path.read_bytes() for path in used.data.iterdir() if path.is_file()}
    with pytest.raises(anchors.Damaged, match="audit entries are missing") as found:
        database.connect(used)
    assert (found.value.kind, found.value.anchored) == ("cut", 10)
    assert found.value.missing == 10 - found.value.seq
    assert damage == "cut log" or found.value.missing == 5
    left = recovery.look(used)
    assert (left.seq, left.admins) == (found.value.seq, ("Mina",))
    for name, password, reason in (
        ("Mina", "wrong words altogether", "The disk was lost."),
        ("Eve", PASSWORD, "The disk was lost."),
        ("Nobody", PASSWORD, "The disk was lost."),
        ("Mina", PASSWORD, " "),
    ):
        with pytest.raises(Refusal):
            recovery.accept(used, name=name, password=password, reason=reason)
    assert {path.name: path.read_bytes() for path in used.data.iterdir() if path.is_file()} == before

    recovery.accept(used, name="mina", password=PASSWORD, reason="The disk was lost.")
    connection = database.connect(used)
    conn = connection.cursor()
    event = database.row(conn, "select actor, act, detail from audit_events order by seq desc limit 1")
    assert (event["actor"], event["act"]) == ("mina", "recovery.accepted")
    for said in ("The disk was lost.", f'"missing":{found.value.missing}', '"printed_name":"Mina"'):
        assert said in event["detail"]
    assert audit.first_bad_entry(conn) is None
    write(conn, "after")
    connection.close()
    database.connect(used).close()
    assert len(list(used.data.glob("anchor-*.jsonl"))) == 1  # the one that knew more
    with pytest.raises(Refusal, match="Nothing is missing any more"):
        recovery.accept(used, name="mina", password=PASSWORD, reason="Again.")


def test_a_replaced_database_of_the_same_length_is_noticed(used, tmp_path):
    other = Settings(data=tmp_path / "other")
    connection = database.connect(other)
    people.create_first(connection.cursor(), name="Eve", password=PASSWORD)
    for number in range(20):
        write(connection.cursor(), number)
    connection.close()
    log_of(used).unlink()
    shutil.copy(other.database, used.database)
    with pytest.raises(anchors.Damaged, match="not the one that was anchored") as found:
        database.connect(used)
    assert found.value.missing is None


def test_a_deleted_database_is_not_begun_anew(used):
    used.database.unlink()
    log_of(used).unlink()
    with pytest.raises(anchors.Damaged, match="and with it 10 audit entries"):
        database.connect(used)
    assert not used.database.exists()
    with pytest.raises(Refusal, match="cannot be read"):
        recovery.accept(used, name="Mina", password=PASSWORD, reason="The disk was lost.")


@pytest.mark.parametrize("harmed", ["log", "database"])
def test_an_unreadable_file_is_a_sentence_and_no_traceback(used, harmed):
    path = {"log": log_of(used), "database": used.database}[harmed]
    with path.open("r+b") as file:
        file.seek(len(path.read_bytes()) // 2 if harmed == "log" else 0)
        file.write(b"\xff" * 64)
    with pytest.raises(anchors.Damaged, match="cannot be read"):
        database.connect(used)
    assert recovery.look(used).admins == ()


def test_a_backup_is_not_made_of_a_database_with_missing_entries(used, tmp_path):
    delete_log(used, None)
    with pytest.raises(anchors.Damaged):
        backups.by_command(used, None)


def test_without_its_anchor_a_database_is_not_taken_for_whole(used):
    anchor = used.anchor.read_bytes()
    used.anchor.unlink()
    log_of(used).unlink()  # with the anchor gone as well, nothing else would show it
    with pytest.raises(anchors.Damaged, match=r"anchor\.jsonl, is missing") as found:
        database.connect(used)
    assert (found.value.kind, found.value.missing) == ("unanchored", None)
    recovery.accept(used, name="Mina", password=PASSWORD, reason="The disk was moved, and that file was forgotten.")
    connection = database.connect(used)
    (said,) = connection.cursor().execute(
        "select detail ->> 'kind' from audit_events where act = 'recovery.accepted'"
    ).fetchone()  # fmt: skip
    assert said == "unanchored"
    connection.close()
    used.anchor.write_bytes(anchor)  # brought back after all: what it knew is still missed
    with pytest.raises(anchors.Damaged):
        database.connect(used)


def test_a_kill_before_the_very_first_anchor_locks_nobody_out(tmp_path):
    settings = Settings(data=tmp_path / "data")
    connection = database.connect(settings)
    write(connection.cursor(), 1)
    connection.close()
    settings.anchor.unlink()
    database.connect(settings).close()
    assert anchors.newest(settings.anchor)["seq"] == 1
