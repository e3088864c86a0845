"""Processes that kill themselves, as `kill -9` would, at a named call: for what has to survive it."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

from core.settings import REPOSITORY

Point = tuple[str, int, str]
"""Where to die: a function by its full name, which of its calls, and whether "before" or "after" it."""


def patched(path: str, number: int, when: str) -> None:
    """From now on this process kills itself at that call."""
    module, _, name = path.rpartition(".")
    owner = _resolve(module)
    real, calls = getattr(owner, name), iter(range(1, 10_000))

    def dying(*args: Any, **more: Any) -> Any:
        due = next(calls) == number
        if due and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        made = real(*args, **more)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    setattr(owner, name, dying)


def _resolve(path: str) -> Any:
    """The module or class of that name."""
    try:
        return __import__(path, fromlist=["_"])
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return getattr(__import__(module, fromlist=["_"]), name)


HOST = """
import importlib, json, os, sys

from tests import mortal

home = importlib.import_module(sys.argv[1])
for line in sys.stdin:
    name, given, point = json.loads(line)
    if not (child := os.fork()):
        if point:
            mortal.patched(*point)
        getattr(home, name)(*given)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Host:
    """A process that has loaded a test's module once, whose children run its functions and die where they are told to.

    Use it as a context.
    """

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOST, module],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, function: str, *given: str, point: Point | None = None) -> int:
        """The exit code of a child that calls the function, negative where a signal ended it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([function, given, point]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
