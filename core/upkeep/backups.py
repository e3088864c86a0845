"""Backups by people and by commands; while the app runs, it is the app that makes them.

DuckDB lets one process open the file, so a command that finds it in use leaves a request in the data folder, and the
app answers it there: `<id>.asked`, taken in hand as `<id>.taken`, answered as `<id>.done`. Who may write into the data
folder may ask.
"""

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.jobs import folder as job_folder
from core.locale.mark import N_
from core.settings import Settings
from core.store import anchors, audit, copies, database
from core.store.copies import Backup

COMMAND = Person(person_id="command", name="command line", roles=frozenset({"admin"}))
REQUESTS = "backup_requests"
PATIENCE_S = 20.0
"""How long the app may take to take a request in hand."""

_one_at_a_time = threading.Lock()


def make(conn: duckdb.DuckDBPyConnection, settings: Settings, *, by: Person, into: Path | None = None) -> Backup:
    """Make a backup in a new folder under `into` (or where backups go), and write down that it was made.

    People go on working meanwhile; it holds what was saved when it began. Raises Refusal as `copies.write` does.
    """
    roles.require(by, "backup.make")
    with _one_at_a_time:
        folder = _new_folder(into or settings.backups)
        backup = copies.write(conn, settings, folder)
        detail = {**copies.describe(backup), "folder": str(folder)}
        with audit.change(conn, actor=by.person_id, act="backup.made", subject=folder.name, detail=detail):
            pass
    return backup


def _new_folder(into: Path) -> Path:
    stamp = f"countersign-{database.now():%Y%m%d-%H%M%S}"
    taken = {path.name.removesuffix(".partial") for path in into.glob(f"{stamp}*")}
    return into / next(name for number in range(1, 1000) if (name := stamp + f"-{number}" * (number > 1)) not in taken)


def everything(settings: Settings) -> list[Backup]:
    """The backups where backups go, the newest first; a folder that is none is passed over."""
    found = []
    for manifest in sorted(settings.backups.glob(f"*/{copies.MANIFEST}"), reverse=True):
        try:
            found.append(copies.read(manifest.parent))
        except Refusal:
            continue  # its check would say so; here it cannot be told what it was
    return found


def by_command(settings: Settings, into: Path | None) -> Backup:
    """As `make`, by a command: directly, or through the app that has the database open. The schema stays as it is."""
    if not settings.database.exists():
        raise Refusal(N_("There is no database in %(folder)s. Name another data folder."), folder=settings.data)
    try:
        database.examine(settings)
        connection = database.open_file(settings.database)
    except database.Busy:
        return _ask(settings, into)
    try:
        anchors.follow(connection, settings.anchor)
        return make(connection, settings, by=COMMAND, into=into)
    finally:
        connection.close()


def _ask(settings: Settings, into: Path | None) -> Backup:
    """Leave a request for the app and wait for its answer."""
    folder, name = settings.data / REQUESTS, uuid4().hex
    folder.mkdir(exist_ok=True)
    asked, taken, done = (folder / f"{name}.{step}" for step in ("asked", "taken", "done"))
    job_folder.write_json(asked, {"into": str(into.resolve()) if into else None})
    began = time.monotonic()
    while not done.exists():
        if asked.exists() and time.monotonic() - began > PATIENCE_S:
            asked.unlink(missing_ok=True)
            raise Refusal(N_("Another process has the database open and does not answer. Stop it, then try again."))
        if not asked.exists() and not taken.exists() and not done.exists():
            raise Refusal(N_("Countersign was stopped before the backup was finished. Start the backup again."))
        time.sleep(0.2)
    answer = json.loads(done.read_text("utf-8"))
    done.unlink()
    if message := answer.get("refusal"):
        raise Refusal(message, **answer["values"])
    return copies.read(Path(answer["folder"]))


def answer_requests(conn: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Make the backups that commands have asked for; returns how many were asked for."""
    requests = sorted((settings.data / REQUESTS).glob("*.asked"))
    for request in requests:
        taken = request.with_suffix(".taken")
        request.replace(taken)
        into = json.loads(taken.read_text("utf-8"))["into"]
        try:
            backup = make(conn, settings, by=COMMAND, into=Path(into) if into else None)
            answer: dict[str, Any] = {"folder": str(backup.folder)}
        except Refusal as refusal:
            values = {name: str(value) for name, value in refusal.values.items()}
            answer = {"refusal": refusal.message, "values": values}
        job_folder.write_json(request.with_suffix(".done"), answer)
        taken.unlink()
    return len(requests)


def forget_requests(settings: Settings) -> None:
    """Drop what an app that was killed has left in hand: whoever waits for it is told."""
    shutil.rmtree(settings.data / REQUESTS, ignore_errors=True)
