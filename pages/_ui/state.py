"""What one process has once: its settings and its open database, for HTTP routes and Streamlit scripts alike."""

import threading

import duckdb

from core import settings as settings_module
from core.settings import Settings
from core.store import database as database_module

_lock = threading.Lock()
_opened: tuple[Settings, duckdb.DuckDBPyConnection] | None = None


def _open() -> tuple[Settings, duckdb.DuckDBPyConnection]:
    global _opened
    with _lock:
        if _opened is None:
            settings = settings_module.read()
            _opened = settings, database_module.connect(settings)
        return _opened


def settings() -> Settings:
    """The settings that the open database belongs to."""
    return _open()[0]


def database() -> duckdb.DuckDBPyConnection:
    """The one connection, opened at the first call. Never execute on it. Raises Refusal as database.connect does."""
    return _open()[1]


def conn() -> duckdb.DuckDBPyConnection:
    """A fresh cursor, since no two threads may share one."""
    return database().cursor()


def close() -> None:
    """Close the database; the next call opens it again, from what the environment then says."""
    global _opened
    with _lock:
        if _opened is not None:
            _opened[1].close()
            _opened = None
