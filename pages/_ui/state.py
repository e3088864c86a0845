"""What one process has once: its settings and its open database, for HTTP routes and Streamlit scripts alike."""

import threading

import duckdb
import tenacity
from streamlit import config

from core import settings as settings_module
from core.access import providers
from core.access.providers import Provider
from core.settings import Settings
from core.store import anchors
from core.store import database as database_module

CLOSING_SECONDS = 10

_lock = threading.Lock()
_opened: tuple[Settings, duckdb.DuckDBPyConnection] | None = None
_damage: anchors.Damaged | None = None


def _open() -> tuple[Settings, duckdb.DuckDBPyConnection]:
    global _opened, _damage
    with _lock:
        if _opened is None:
            settings = settings_module.read()
            try:
                _opened = settings, database_module.connect(settings)
            except anchors.Damaged as damage:
                _damage = damage
                raise
            _damage = None
        return _opened


def damage() -> anchors.Damaged | None:
    """What is missing from the database, found when it was to be opened; None when it is as it should be."""
    return _damage


def settings() -> Settings:
    """The settings that the open database belongs to, or would."""
    opened = _opened
    return opened[0] if opened else settings_module.read()


def provider() -> Provider | None:
    """The company's sign-in, read anew each time: its secret may change while we run. Raises Refusal as `read` does."""
    return providers.read(settings(), port=int(config.get_option("server.port")))


def database() -> duckdb.DuckDBPyConnection:
    """The one connection, opened at the first call. Never execute on it. Raises Refusal as database.connect does."""
    return _open()[1]


def conn() -> duckdb.DuckDBPyConnection:
    """A fresh cursor, since no two threads may share one."""
    return database().cursor()


def close() -> None:
    """Close the database; the next call opens it again, from what the environment then says.

    DuckDB refuses to close under a page that is being computed, so that page is waited for.
    """
    global _opened
    with _lock:
        if _opened is not None:
            busy = tenacity.retry_if_exception_type(duckdb.ResourceInUseException)
            pause, patience = tenacity.wait_fixed(0.05), tenacity.stop_after_delay(CLOSING_SECONDS)
            tenacity.Retrying(retry=busy, wait=pause, stop=patience, reraise=True)(_opened[1].close)
            _opened = None
