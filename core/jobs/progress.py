"""How far a job is, read from its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.jobs import folder as job_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`done` of `total` units (answers, steps, bytes); `left_s` is None until a pace is known."""

    phase: str
    done: int
    total: int
    left_s: float | None
    steps: Sequence[Mapping[str, Any]]

    @property
    def share(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0


def read(folder: Path) -> Progress:
    """The state of the newest attempt; curves go over all attempts, each step once."""
    events = job_folder.events(folder)
    started = max((place for place, event in enumerate(events) if event["event"] == "started"), default=0)
    current = events[started:]
    told = [event for event in current if event["event"] == "progress"]
    steps = {event["step"]: event for event in events if event["event"] == "step"}
    phase = next((str(event["name"]) for event in reversed(current) if event["event"] == "phase"), "")
    if steps:
        last = steps[max(steps)]
        return Progress(
            phase=phase,
            done=last["step"],
            total=last["steps"],
            left_s=last.get("eta_s"),
            steps=[steps[number] for number in sorted(steps)],
        )
    if not told:
        return Progress(phase=phase, done=0, total=0, left_s=None, steps=())
    return Progress(phase=phase, done=told[-1]["done"], total=told[-1]["total"], left_s=_left(told), steps=())


def _left(told: Sequence[Mapping[str, Any]]) -> float | None:
    first, last = told[0], told[-1]
    seconds = (_time(last) - _time(first)).total_seconds()
    gained = last["done"] - first["done"]
    return None if gained <= 0 or seconds <= 0 else (last["total"] - last["done"]) * seconds / gained


def _time(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"])
