"""Notices what workers leave in their folders, at the price of looking at two dates, so that no step is waited for."""

import threading
from collections.abc import Iterable
from pathlib import Path
from time import monotonic

GLANCE_S = 0.05

Dates = tuple[int, int]


class Watch:
    """The folders of the open jobs, and when something was last put into them. `look` comes before what reads them."""

    def __init__(self) -> None:
        self._dates: dict[Path, Dates] = {}

    def look(self) -> None:
        """What is there now is no news."""
        self._dates = {folder: _dates(folder) for folder in self._dates}

    def follow(self, folders: Iterable[Path]) -> None:
        """These are watched from now on."""
        self._dates = {folder: self._dates.get(folder) or _dates(folder) for folder in folders}

    def wait(self, seconds: float, ended: threading.Event | None = None) -> bool:
        """Return when something was left since the last look, or so long is over, or `ended` is set: whether it is."""
        ended, until = ended or threading.Event(), monotonic() + seconds
        while (left := until - monotonic()) > 0 and not ended.wait(min(left, GLANCE_S) if self._dates else left):
            if any(_dates(folder) != dates for folder, dates in self._dates.items()):
                break
        return ended.is_set()


def _dates(folder: Path) -> Dates:
    """When files were last added to the folder and to its shards, in nanoseconds; 0 where there is none."""
    return _date(folder), _date(folder / "answers")


def _date(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
