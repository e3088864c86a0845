"""A job is a folder: what the app and its workers say to each other, with no database between them.

The app writes `spec.json` and the inputs, and a `stop` file when it wants the job to end. The worker writes
`events.jsonl`, finished shards under `answers/` and, last and by rename, `result.json`. Whoever works in the folder
holds a lock on `worker.lock`, which the operating system frees when the process dies, however it dies.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["done", "stopped", "failed"]


def write_json(path: Path, value: Any) -> None:
    """Write the whole file or nothing: to a neighbour first, flushed to the disk, then renamed."""
    _write_text(path, json.dumps(value, ensure_ascii=False))


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    """Write one JSON value a line, the whole file or nothing."""
    _write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _write_text(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_lines(path: Path) -> Iterator[Any]:
    """The JSON values of a file, one a line; a last line cut by a kill is left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def spec(folder: Path) -> dict[str, Any]:
    """What the app asked for."""
    return dict(json.loads((folder / "spec.json").read_text("utf-8")))


def result(folder: Path) -> dict[str, Any] | None:
    """How the job ended (`status`, `message`, and what it made), or None while it has not."""
    path = folder / "result.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else None


def finish(folder: Path, status: Outcome, message: str = "", **made: Any) -> None:
    """The worker's last word. `message` is a gettext id with `%(name)s` fields; `values` in `made` fills them."""
    write_json(folder / "result.json", {"status": status, "message": message, **made})


def tell(folder: Path, event: str, **fields: Any) -> None:
    """Append one event, such as `tell(folder, "progress", done=12, total=48)`; it is also the heartbeat."""
    line = json.dumps({"at": datetime.now(UTC).isoformat(), "event": event, **fields}, ensure_ascii=False)
    path = folder / "events.jsonl"
    with path.open("a+b") as file:
        # A killed worker may have left half a line: the next event must not be glued to it.
        if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
            file.write(b"\n")
        file.write(line.encode() + b"\n")


def events(folder: Path) -> list[dict[str, Any]]:
    """All events so far, oldest first; halves of lines left by a kill are passed over."""
    told = []
    path = folder / "events.jsonl"
    for line in path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []:
        try:
            told.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return told


def add_shard(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Keep finished answers: one file, whole or not at all, numbered after those that are there."""
    shards = folder / "answers"
    shards.mkdir(exist_ok=True)
    number = max((int(path.stem) for path in shards.glob("*.jsonl")), default=0) + 1
    write_lines(shards / f"{number:06d}.jsonl", rows)


def shards(folder: Path) -> list[Path]:
    """The finished shards in the order they were written."""
    return sorted((folder / "answers").glob("*.jsonl"))


def ask_to_stop(folder: Path) -> None:
    (folder / "stop").touch()


def asked_to_stop(folder: Path) -> bool:
    return (folder / "stop").exists()


def lock(folder: Path) -> int | None:
    """The file descriptor that holds the folder, or None when another process works in it.

    The lock belongs to the open file, so a child that inherits the descriptor goes on holding it.
    """
    descriptor = os.open(folder / "worker.lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def alive(folder: Path) -> bool:
    """Whether a worker holds the folder right now."""
    descriptor = lock(folder)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
