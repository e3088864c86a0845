"""`backup` and `restore`: a copy that can be proven, made while people work, and the way back from it."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import settings
from core.settings import Settings
from core.store import copies, restoring
from core.upkeep import backups


def add(commands: Any) -> None:
    """The two commands."""
    backup = commands.add_parser("backup", help="copy the database and its files, also while the app runs")
    backup.add_argument("into", type=Path, nargs="?", help="folder that gets a new folder with the backup")
    backup.add_argument("--data", type=Path, help="the data folder (default COUNTERSIGN_DATA)")
    backup.set_defaults(run=_backup)
    restore = commands.add_parser("restore", help="bring a backup back into an empty data folder, and prove it")
    restore.add_argument("backup", type=Path, help="the folder of one backup, with backup.json in it")
    restore.add_argument("--data", type=Path, help="the data folder (default COUNTERSIGN_DATA)")
    restore.add_argument("--aside", action="store_true", help="move what is in the data folder into one beside it")
    restore.set_defaults(run=_restore)


def _here(chosen: argparse.Namespace) -> Settings:
    here = settings.read()
    return replace(here, data=chosen.data.resolve()) if chosen.data else here


def _backup(chosen: argparse.Namespace) -> int:
    made = backups.by_command(_here(chosen), chosen.into)
    print(f"Backed up to {made.folder}: {_contents(made)}.")
    if made.first_bad is not None:
        print(f"Audit entry {made.first_bad} is not as it was written; it was so before the backup.")
    print(f"Newest audit entry {made.seq}, hash {made.head}. Note it elsewhere, too.")
    return 0


def _restore(chosen: argparse.Namespace) -> int:
    backup, here = copies.read(chosen.backup.resolve()), _here(chosen)
    kept = restoring.restore(backup, here, by=backups.COMMAND.person_id, aside=chosen.aside)
    print(f"Restored to {here.data}: {_contents(backup)}, all as the backup says.")
    print(f"Newest audit entry {backup.seq}, hash {backup.head}; the restore is written down as the next one.")
    if kept is not None:
        print(f"What was there before is in {kept}.")
    return 0


def _contents(backup: copies.Backup) -> str:
    megabytes = backup.size / 1_000_000
    tables, files = len(backup.tables), len(backup.files)
    return f"{backup.rows} rows in {tables} tables, {files} files, {megabytes:.1f} MB, of {backup.made_at} UTC"
