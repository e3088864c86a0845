"""How a job's worker comes to life. The contract with it is the folder, so a launcher can be anywhere."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from core.jobs import folder as job_folder
from core.settings import REPOSITORY


class Launcher(Protocol):
    """Starts workers, and ends one that does not listen."""

    def launch(self, folder: Path) -> None:
        """Start a worker on the folder; nothing happens when one is at work there."""
        ...

    def kill(self, folder: Path) -> None:
        """End the folder's worker at once. What it had finished is kept."""
        ...


class LocalLauncher:
    """A child process in a session of its own, so that it outlives the app."""

    def launch(self, folder: Path) -> None:
        # The child inherits the lock, so the folder is never free between our asking and its starting.
        descriptor = job_folder.lock(folder)
        if descriptor is None:
            return
        environment = {
            # Threads that wait for a core the app is using must not spin for long (17 ms instead of 6 for a layer of
            # the starter model, measured beside a busy process); not spinning at all costs a tenth when it is quiet.
            "GOMP_SPINCOUNT": "50000",
            **os.environ,
            "COUNTERSIGN_LOCK": str(descriptor),
            "HF_HUB_OFFLINE": "1",
        }
        try:
            with (folder / "log.txt").open("a") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "core.jobs.worker", str(folder)],
                    cwd=REPOSITORY,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[descriptor],
                    start_new_session=True,
                )
            (folder / "pid").write_text(str(process.pid))
        finally:
            os.close(descriptor)

    def kill(self, folder: Path) -> None:
        if job_folder.alive(folder) and (folder / "pid").exists():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int((folder / "pid").read_text()), signal.SIGKILL)
