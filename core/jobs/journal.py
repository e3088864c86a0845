"""Finished answers on their way to the app: each is on file at once, so that a killed worker pays for none twice.

They are gathered in `answers/000007.partial`, which becomes the shard `answers/000007.jsonl` about once a second. What
is in the former outlives the process, what is in the latter a power cut, too. A kill can cost those answers that came
in while the batch before them was written down, and the calls that are under way.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, TextIO

from core.jobs import folder as job_folder

SHARD_SECONDS = 1.0
SHARD_ROWS = 5000


class Journal:
    """The answers of one job folder, held by its one worker. Use it as a context, which seals the last shard."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "answers"
        self._folder.mkdir(exist_ok=True)
        self._file: TextIO | None = None
        self._rows, self._begun = 0, 0.0
        for partial in sorted(self._folder.glob("*.partial")):  # left by a killed worker; half a last line is dropped
            if rows := list(job_folder.read_lines(partial)):
                job_folder.add_shard(folder, rows)
            partial.unlink()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.seal()

    def add(self, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Write the rows down, if there are any; whether a shard is complete, which may be a matter of time only."""
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        if self._file is None:
            if not lines:
                return False
            number = max((int(path.stem) for path in self._folder.glob("*.jsonl")), default=0) + 1
            path = self._folder / f"{number:06d}.partial"
            self._file = path.open("w", encoding="utf-8", newline="\n")
            self._rows, self._begun = 0, monotonic()
        self._file.writelines(lines)
        self._file.flush()
        self._rows += len(lines)
        if self._rows >= SHARD_ROWS or monotonic() - self._begun >= SHARD_SECONDS:
            self.seal()
            return True
        return False

    def seal(self) -> None:
        """Make a shard of what was written down so far."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            path = Path(self._file.name)
            path.replace(path.with_suffix(".jsonl"))
            self._file = None
