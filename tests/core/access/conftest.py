from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from core.settings import Settings
from core.store import database


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = database.connect(Settings(data=tmp_path))
    yield connection.cursor()
    connection.close()
