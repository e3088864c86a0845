"""Restoring a backup into an empty folder, with proof: every file's hash, every table's rows, the head of the trail.

All is made ready and proven in a folder beside, then moved in, the database last and the anchor first: whoever starts
the app on a restore that was killed is told that the database is missing, and does not begin with an empty one.
"""

import fcntl
import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb

from core.errors import Refusal
from core.locale.mark import N_
from core.settings import Settings
from core.store import audit, copies, database
from core.store.copies import Backup

STAGE = ".restoring"


def restore(backup: Backup, settings: Settings, *, by: str, aside: bool = False) -> Path | None:
    """Bring the backup back; returns the folder that what was there has been moved to, if that was asked for.

    Raises Refusal when the backup is damaged or newer than this program, when the data folder is in use, or when there
    is something in it and `aside` does not say that it may be moved. The restore is the trail's next entry.
    """
    copies.check(backup)
    held = [path for path in _held(settings) if path.exists()]
    if held and not aside:
        raise Refusal(
            N_("%(folder)s is not empty: it has %(name)s. Give an empty folder, or add --aside: what is there is then "
               "moved into a folder beside it and stays."),
            folder=settings.data,
            name=held[0].name,
        )  # fmt: skip
    _refuse_in_use(settings.database)
    stage = settings.data / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    try:
        for name in backup.files:
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(backup.folder / name, stage / name)
        head = _prove(replace(backup, folder=stage), settings, backup, by)
        kept = _move_aside(held, settings) if held else None
        (stage / settings.anchor.name).write_text(json.dumps(head) + "\n", "utf-8")
        for path in _held(settings):
            if (stage / path.name).exists():
                (stage / path.name).replace(path)
    except OSError as error:
        if audit.disk_is_full(error):
            raise Refusal(copies.NO_ROOM) from error
        raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return kept


def _held(settings: Settings) -> list[Path]:
    """What a backup brings, in the order in which it is moved in; the log beside the database belongs to it."""
    folders = [settings.data / name for name in copies.FOLDERS]
    log = settings.database.with_name(settings.database.name + ".wal")
    return [settings.anchor, *folders, log, settings.database]


def _refuse_in_use(path: Path) -> None:
    """Refuse while a process has the database open, without opening it: that would play its log back."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise database.Busy(database.IN_USE, folder=path.parent) from error


def _prove(staged: Backup, settings: Settings, backup: Backup, by: str) -> dict[str, object]:
    """Hold the copy against the manifest, then let it know its new place; returns its head."""
    copies.check(staged)
    conn = database.open_file(staged.folder / copies.DATABASE)
    try:
        head = audit.head(conn)
        proven = database.count_all(conn) == dict(backup.tables) and head == (backup.seq, backup.head)
        if not proven or audit.first_bad_entry(conn) != backup.first_bad:
            raise Refusal(copies.DAMAGED, file=copies.DATABASE, folder=backup.folder)
        database.migrate(conn)
        detail = {**copies.describe(backup), "from": str(backup.folder), "was": backup.data}
        with audit.change(conn, actor=by, act="backup.restored", subject=backup.folder.name, detail=detail):
            _relocate(conn, Path(backup.data), settings.data)
        seq, written = audit.head(conn)
        return {"seq": seq, "hash": written, "at": database.now().isoformat(timespec="microseconds")}
    finally:
        conn.close()


def _relocate(conn: duckdb.DuckDBPyConnection, was: Path, now: Path) -> None:
    """Models that lie in the data folder are named by their whole path."""
    query = "update models set path = $now || substr(path, length($was) + 1) where starts_with(path, $was || '/')"
    conn.execute(query, {"was": str(was), "now": str(now)})


def _move_aside(held: list[Path], settings: Settings) -> Path:
    aside = settings.data / f"set-aside-{database.now():%Y%m%d-%H%M%S}"
    aside.mkdir()
    for path in reversed(held):  # the database first: without it nothing begins by itself
        path.replace(aside / path.name)
    return aside
