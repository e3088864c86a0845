from collections.abc import Iterator

import duckdb
import pytest

from core.store import database


@pytest.fixture
def conn(settings) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = database.connect(settings)
    yield connection.cursor()
    connection.close()


@pytest.fixture
def task() -> str:
    """A task that has no knowledge yet."""
    return "task"
