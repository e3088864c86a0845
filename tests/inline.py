"""Jobs that are done within the test's own process, one after the other until none is open."""

import os
from pathlib import Path

import duckdb

from core.jobs import folder as job_folder
from core.jobs import supervisor, worker
from core.settings import Settings


class Inline:
    """A launcher whose worker is done when it returns."""

    def launch(self, folder: Path) -> None:
        descriptor = job_folder.lock(folder)
        assert descriptor is not None
        os.environ["COUNTERSIGN_LOCK"] = str(descriptor)
        try:
            worker.main(folder)
        finally:
            del os.environ["COUNTERSIGN_LOCK"]
            os.close(descriptor)

    def kill(self, folder: Path) -> None:
        raise AssertionError(f"{folder} has ended")


def drain(settings: Settings, conn: duckdb.DuckDBPyConnection) -> None:
    while supervisor.step(settings, conn, Inline()):
        pass
