"""A backup is one moment, made while people write; what comes back is proven, and what is damaged is refused."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from core import __main__, content
from core.access.people import Person
from core.errors import Refusal
from core.jobs import supervisor
from core.settings import REPOSITORY, Settings
from core.store import audit, copies, database, restoring
from core.upkeep import backups


def write(conn, number):
    """One change of three rows in three tables, and a number from a sequence."""
    with audit.change(conn, actor="mina", act="test.written", subject=f"s{number}", detail={"n": number}):
        conn.execute("insert into group_splits values ('t', ?, 'dev')", [f"g{number}"])
        conn.execute(
            """
            insert into breakages (trial_id, sample_id, answer, reason, answered_by, answered_at)
            values ('t', ?, 'accepted', '会签', 'eve', now()::timestamp)
            """,
            [f"s{number}"],
        )


@pytest.fixture
def filled(settings):
    """A data folder with ten changes and the files that belong to it."""
    connection = database.connect(settings)
    for number in range(10):
        write(connection.cursor(), number)
    for name in ("adapters/model-1/adapter_model.safetensors", "releases/r1/manifest.json", "jobs/j/worker.lock"):
        (settings.data / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.data / name).write_text(name)
    adapter = str(settings.data / "adapters/model-1")
    connection.cursor().execute(
        "insert into models (model_id, name, kind, path, file_hashes, lineage, created_by, created_at) values "
        "('model-1', 'M', 'adapter', ?, '{}', '{}', 'mina', now()::timestamp)",
        [adapter],
    )
    yield connection
    connection.close()


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments)], cwd=REPOSITORY, capture_output=True, text=True
    )


def test_the_running_app_makes_it_while_people_write_and_it_is_one_moment(filled, settings, tmp_path, capsys):
    stop = threading.Event()

    def keep_writing(who):
        number = 0
        while not stop.is_set():
            write(filled.cursor(), f"{who}.{number}")
            number += 1

    writers = [threading.Thread(target=keep_writing, args=[who]) for who in range(4)]
    answering = supervisor.Supervisor(lambda: backups.answer_requests(filled.cursor(), settings), 0.1)
    for writer in writers:
        writer.start()
    said = command("backup", tmp_path / "disk", "--data", settings.data)
    stop.set()
    for writer in writers:
        writer.join()
    answering.stop()
    assert said.returncode == 0, said.stderr
    (folder,) = (tmp_path / "disk").iterdir()
    backup = copies.read(folder)
    assert backup.tables["group_splits"] == backup.tables["breakages"] == backup.tables["audit_events"] == backup.seq
    assert backup.seq >= 10
    assert f"Newest audit entry {backup.seq}, hash {backup.head}" in said.stdout
    assert filled.cursor().execute("select count(*) from audit_events").fetchone()[0] > backup.seq  # its own event, too

    assert __main__.main(["restore", str(folder), "--data", str(tmp_path / "new")]) == 0
    assert f"Newest audit entry {backup.seq}, hash {backup.head}" in capsys.readouterr().out
    restored = Settings(data=tmp_path / "new")
    connection = database.connect(restored)
    conn = connection.cursor()
    assert database.count(conn, "group_splits") == backup.seq
    assert audit.first_bad_entry(conn) is None
    assert conn.execute("select act from audit_events order by seq desc limit 1").fetchone() == ("backup.restored",)
    assert conn.execute("select path from models").fetchone() == (str(restored.data / "adapters/model-1"),)
    assert (restored.data / "releases/r1/manifest.json").read_text() == "releases/r1/manifest.json"
    assert not (restored.data / "jobs/j/worker.lock").exists()
    write(conn, "after")  # the sequence goes on where it was
    numbers = [number for (number,) in conn.execute("select breakage_id from breakages order by 1").fetchall()]
    assert len(set(numbers)) == backup.seq + 1
    connection.close()


def test_without_the_app_the_command_makes_it_itself_and_leaves_an_earlier_schema_as_it_is(settings, capsys):
    settings.data.mkdir()
    conn = database.open_file(settings.database)
    earlier = [path.name for path in sorted(database.MIGRATIONS.glob("*.sql")) if path.name < "009"]
    database.migrate(conn, only=earlier)
    write(conn, 1)
    conn.close()
    assert __main__.main(["backup", "--data", str(settings.data)]) == 0
    (backup,) = backups.everything(settings)
    assert backup.folder.parent == settings.data / "backups"
    assert (backup.schema, backup.tables["group_splits"]) == ("008_sign_off.sql", 1)
    assert "Newest audit entry 1," in capsys.readouterr().out
    conn = database.open_file(settings.database)
    assert database.applied(conn) == set(earlier)
    conn.close()


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / copies.DATABASE).open("r+b").write(b"?"),
        lambda folder: (folder / "adapters/model-1/adapter_model.safetensors").write_text("other"),
        lambda folder: (folder / "releases/r1/manifest.json").unlink(),
        lambda folder: (folder / copies.MANIFEST).write_text('{"format": "countersign-backup/1", '),
        lambda folder: alter(folder / copies.MANIFEST, seq=9),
    ],
    ids=["database", "file", "missing", "cut manifest", "altered manifest"],
)
def test_a_damaged_backup_is_refused_and_leaves_nothing_behind(filled, settings, mina, tmp_path, harm):
    folder = backups.make(filled.cursor(), settings, by=mina).folder
    harm(folder)
    with pytest.raises(Refusal, match=r"damaged|not as it was written"):
        restoring.restore(copies.read(folder), Settings(data=tmp_path / "new"), by="mina")
    assert not list((tmp_path / "new").glob("*"))


def alter(manifest, **changes):
    said = json.loads(manifest.read_text()) | changes
    manifest.write_text(json.dumps(said))


def test_a_backup_whose_manifest_was_made_to_fit_is_still_refused_by_its_rows_and_its_head(filled, settings, mina):
    backup = backups.make(filled.cursor(), settings, by=mina)
    for wrong in ({"seq": backup.seq - 1}, {"head": content.digest("x")}, {"tables": {**backup.tables, "people": 7}}):
        with pytest.raises(Refusal, match="damaged"):
            restoring.restore(replace(backup, **wrong), Settings(data=settings.data / "new"), by="mina")


def test_what_is_there_is_never_written_over(filled, settings, mina, tmp_path):
    backup = backups.make(filled.cursor(), settings, by=mina)
    here = Settings(data=tmp_path / "new")
    restoring.restore(backup, here, by="mina")
    before = here.database.read_bytes()
    with pytest.raises(Refusal, match="is not empty"):
        restoring.restore(backup, here, by="mina")
    assert here.database.read_bytes() == before
    kept = restoring.restore(backup, here, by="mina", aside=True)
    assert (kept / "countersign.duckdb").read_bytes() == before
    assert {path.name for path in kept.iterdir()} >= {"anchor.jsonl", "adapters", "releases"}
    database.connect(here).close()


def test_a_restore_into_a_folder_that_is_in_use_is_refused(filled, settings, mina, tmp_path):
    folder = backups.make(filled.cursor(), settings, by=mina).folder
    said = command("restore", folder, "--data", settings.data, "--aside")
    assert said.returncode == 1
    assert said.stderr.startswith("Another Countersign already uses")


def test_only_an_admin_makes_one_by_hand(filled, settings):
    for role in ("expert", "approver", "manager", "operator"):
        with pytest.raises(Refusal, match="Only an admin"):
            backups.make(filled.cursor(), settings, by=Person(person_id="x", name="X", roles=frozenset({role})))
    assert not settings.backups.exists()


def test_a_place_that_cannot_be_written_is_a_sentence(filled, settings, mina, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Refusal, match="cannot be written"):
        backups.make(filled.cursor(), settings, by=mina, into=tmp_path / "file")


AGAIN_AND_AGAIN = """
import sys
from pathlib import Path
from core.settings import Settings
from core.store import database
from core.upkeep import backups
settings = Settings(data=Path(sys.argv[1]))
conn = database.connect(settings).cursor()
print("ready", flush=True)
while True:
    backups.make(conn, settings, by=backups.COMMAND)
"""


def test_a_kill_while_it_is_made_leaves_whole_backups_and_a_whole_original(filled, settings):
    filled.close()
    for seconds in (0.05, 0.21, 0.37):
        process = subprocess.Popen(
            [sys.executable, "-c", AGAIN_AND_AGAIN, str(settings.data)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    connection = database.connect(settings)
    assert audit.first_bad_entry(connection.cursor()) is None
    connection.close()
    for backup in backups.everything(settings):
        copies.check(backup)
    whole = {backup.folder for backup in backups.everything(settings)}
    left = {path for path in settings.backups.iterdir() if not path.name.endswith(".partial")}
    assert left == whole


FULL = """
import resource, sys
from pathlib import Path
from core.errors import Refusal
from core.settings import Settings
from core.store import audit, database
from core.upkeep import backups
settings = Settings(data=Path(sys.argv[1]))
conn = database.connect(settings).cursor()
for room in (4_000, 300_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        print(backups.make(conn, settings, by=backups.COMMAND))
    except Refusal as refusal:
        print(refusal)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
print(list(settings.backups.iterdir()), backups.everything(settings), audit.first_bad_entry(conn))
print(backups.make(conn, settings, by=backups.COMMAND).tables["breakages"])
"""


def test_a_full_disk_is_said_leaves_nothing_that_is_called_a_backup_and_the_next_one_is_whole(filled, settings):
    (settings.data / "adapters/model-1/adapter_model.safetensors").write_bytes(bytes(400_000))
    filled.close()
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(settings.data)], cwd=REPOSITORY, capture_output=True, text=True
    )
    no_room = "The disk is full, so nothing was saved. Free some space and try again."
    assert done.stdout.splitlines() == [no_room, no_room, "[] [] None", "10"], done.stderr
