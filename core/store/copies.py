"""A backup: the whole database as it was at one moment, and the files that belong to it, in a folder of their own.

The database is read in one transaction and written to another one beside it, so people go on saving meanwhile, and
what the disk has damaged is noticed now and not when the copy is needed. `backup.json` is written last: a folder
without it is no backup.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from core import content
from core.errors import Refusal
from core.locale.mark import N_
from core.settings import Settings
from core.store import audit, database

FORMAT = "countersign-backup/1"
MANIFEST = "backup.json"
DATABASE = "countersign.duckdb"
FOLDERS = ("adapters", "releases", "served", "jobs")
"""What belongs to the database. Models stay where they are, and search indexes are built anew."""
LEFT_OUT = ("worker.lock",)
AT_ONCE = 50_000
"""Rows that are held in memory while they are copied."""

NO_ROOM = N_("The disk is full, so nothing was saved. Free some space and try again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup says of itself. `tables` is table -> rows, `seq` and `head` the newest audit entry and its hash."""

    folder: Path
    made_at: str
    """UTC, ISO 8601."""
    data: str
    """The data folder it was made from."""
    schema: str
    """The newest migration in it."""
    tables: Mapping[str, int]
    seq: int
    head: str
    first_bad: int | None
    """The first audit entry that was altered already when the backup was made; None if the chain was whole."""
    files: Mapping[str, str]
    """Path -> SHA-256."""

    @property
    def rows(self) -> int:
        return sum(self.tables.values())

    @property
    def size(self) -> int:
        """Bytes of all files that are there."""
        return sum(path.stat().st_size for name in self.files if (path := self.folder / name).is_file())


def write(conn: duckdb.DuckDBPyConnection, settings: Settings, folder: Path) -> Backup:
    """Make the backup, whole or not at all. Raises Refusal when the place cannot be written or has no room."""
    partial = folder.with_name(folder.name + ".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True, mode=0o700)
        found = _copy_database(conn, partial / DATABASE)
        files = {DATABASE: content.file_digest(partial / DATABASE)}
        files |= {name: _copy_file(source, partial / name) for name, source in _files(settings) if source.is_file()}
        said = {**found, "data": str(settings.data), "made_at": database.now().isoformat(timespec="seconds")}
        said |= {"format": FORMAT, "files": files}
        _write_manifest(partial / MANIFEST, said)
        partial.replace(folder)
    except (OSError, duckdb.Error, Refusal) as error:
        shutil.rmtree(partial, ignore_errors=True)
        if audit.disk_is_full(error.__cause__ or error):  # of a Refusal: the file could not even be made
            raise Refusal(NO_ROOM) from error
        if isinstance(error, OSError):
            raise Refusal(
                N_("The backup cannot be written to %(folder)s: %(error)s. Choose another place."),
                folder=folder,
                error=error.strerror or error,
            ) from error
        raise
    return read(folder)


def _copy_database(conn: duckdb.DuckDBPyConnection, path: Path) -> dict[str, Any]:
    """Every table as one transaction sees it; what the manifest is to say of them."""
    target = database.open_file(path)
    try:
        with database.reading(conn):
            scripts = database.applied(conn)
            database.migrate(target, only=scripts)
            names = database.tables(conn)
            target.execute("delete from migrations")
            for name in names:
                with database.offered(target, database.table(conn, name).to_arrow_reader(AT_ONCE)):
                    database.take_in(target, name)
            _set_sequences(conn, target)
            counts = {name: database.count(conn, name) for name in names}
        if (copied := database.count_all(target)) != counts:
            raise duckdb.DataError(f"The copy has other rows than the original: {copied} for {counts}.")
        head = audit.head(target)
        found = {"schema": max(scripts), "tables": counts, "first_bad": audit.first_bad_entry(target)}
        return found | {"seq": head[0], "head": head[1]}
    finally:
        target.close()


def _set_sequences(conn: duckdb.DuckDBPyConnection, target: duckdb.DuckDBPyConnection) -> None:
    """The next number of each sequence is the one that it would have been."""
    query = "select sequence_name, last_value from duckdb_sequences() where last_value is not null"
    for name, last in conn.execute(query).fetchall():
        target.execute("select max(nextval(?)) from range(?)", [name, last]).fetchall()


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        for path in sorted((settings.data / folder).rglob("*")):
            unfinished = any(part.endswith(".partial") for part in path.parts)
            if path.name not in LEFT_OUT and not unfinished and not path.is_symlink():
                yield str(path.relative_to(settings.data)), path


def _copy_file(source: Path, target: Path) -> str:
    """The hash of what was written: a log may grow while it is read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    return content.file_digest(target)


def _write_manifest(path: Path, said: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump({**said, "digest": content.digest(said)}, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path) -> Backup:
    """What the backup says of itself. Raises Refusal when there is none, or when it is not as it was written."""
    try:
        said = json.loads((folder / MANIFEST).read_text("utf-8"))
        written, form = said.pop("digest"), said.pop("format")
        if written != content.digest({**said, "format": form}) or form != FORMAT:
            raise ValueError
        return Backup(folder=folder, **said)
    except FileNotFoundError as error:
        raise Refusal(
            N_("There is no backup in %(folder)s: it has no backup.json. Give the folder of one backup."), folder=folder
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(DAMAGED, file=MANIFEST, folder=folder) from error


DAMAGED = N_(
    "The backup in %(folder)s is damaged: %(file)s is missing or not as it was written. Nothing was restored from it. "
    "Take an older one."
)


def check(backup: Backup) -> None:
    """Read every byte of the backup. Raises Refusal, naming the first file that is missing or altered."""
    for name, written in backup.files.items():
        path = backup.folder / name
        if not path.is_file() or content.file_digest(path) != written:
            raise Refusal(DAMAGED, file=name, folder=backup.folder)


def describe(backup: Backup) -> dict[str, Any]:
    """What the audit trail keeps of a backup."""
    kept = ("made_at", "schema", "seq", "head")
    return {name: value for name, value in asdict(backup).items() if name in kept} | {
        "rows": backup.rows, "files": len(backup.files)
    }  # fmt: skip
