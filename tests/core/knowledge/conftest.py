from collections.abc import Iterator

import duckdb
import pytest

from core.evaluation import demo_task
from core.store import database


@pytest.fixture
def conn(settings) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = database.connect(settings)
    yield connection.cursor()
    connection.close()


@pytest.fixture
def task(conn, mina) -> str:
    return demo_task.create(conn, by=mina).task_id
