"""The one door to the database file."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from core.errors import Refusal
from core.locale.mark import N_
from core.settings import Settings
from core.store import anchors, checks

MIGRATIONS = Path(__file__).parent / "migrations"


IN_USE = N_(
    "Another Countersign already uses the data folder %(folder)s. "
    "Stop that one first, or set COUNTERSIGN_DATA to another folder."
)
CONFIG: dict[str, bool | int | float | str | list[str]] = {
    "enable_external_access": False,  # no SQL of ours or of anybody may read or write other files
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "memory_limit": "2GB",  # the default is most of the machine, which a training job needs
    "threads": 2,
    "lock_configuration": True,
}


class Busy(Refusal):
    """Another process has the database open."""


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Hold the database against its anchor, open it, and bring its schema up to date.

    The connection is the process's only one: never execute on it, take a `.cursor()` for each use.
    Every audit entry is read and hashed (checks.newest says what was found): one that was altered is named on the
    pages, and keeps nobody out. Raises Busy when another process holds the file, anchors.Damaged when audit entries are
    missing, and Refusal when the folder cannot be written or the schema is newer than this program. Only who may go on
    changes anything.
    """
    examine(settings)
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(
            "The data folder %(folder)s cannot be used (%(error)s). Make it writable, or set COUNTERSIGN_DATA.",
            folder=settings.data,
            error=error.strerror or error,
        ) from error
    conn = open_file(settings.database)
    cursor = conn.cursor()
    try:
        migrate(cursor)
        checks.whole(cursor)
        anchors.follow(cursor, settings.anchor)
    except BaseException:
        conn.close()
        raise
    return conn


def examine(settings: Settings) -> None:
    """Look at the database without changing it, its log included. Raises anchors.Damaged, or Busy."""
    known = anchors.newest(settings.anchor)
    if not settings.database.exists():
        if known is None:
            return  # the first start
        raise anchors.Damaged("gone", missing=known["seq"], seq=0, anchored=known["seq"])
    if not os.access(settings.database, os.R_OK):
        return  # opening it says so
    try:
        conn = open_read_only(settings.database)
    except duckdb.ConnectionException:
        return  # this process has it open, so it was examined before
    except duckdb.Error as error:
        if known is None:
            return  # opening it says so
        said = str(error).splitlines()[0]
        raise anchors.Damaged("unreadable", missing=None, seq=0, anchored=known["seq"], error=said) from error
    try:
        anchors.compare(conn, settings.anchor)
    finally:
        conn.close()


def open_read_only(path: Path) -> duckdb.DuckDBPyConnection:
    """The database as it is, which stays as it is. Raises Busy, or duckdb.Error when it cannot be read."""
    try:
        return duckdb.connect(str(path), read_only=True, config=CONFIG)
    except duckdb.IOException as error:
        if "Conflicting lock" in str(error):
            raise Busy(IN_USE, folder=path.parent) from error
        raise


def open_file(path: Path) -> duckdb.DuckDBPyConnection:
    """The database in that file, made if there is none, as it is. Raises Busy, or Refusal when it cannot be opened."""
    try:
        return duckdb.connect(str(path), config=CONFIG)
    except duckdb.Error as error:
        if "Conflicting lock" in str(error):
            raise Busy(IN_USE, folder=path.parent) from error
        raise Refusal(
            "The database %(file)s cannot be opened: %(error)s. Restore it from a backup, or move it away.",
            file=path,
            error=str(error).splitlines()[0],
        ) from error


def migrate(conn: duckdb.DuckDBPyConnection, only: Collection[str] | None = None) -> None:
    """Apply the numbered files that are new (of those named), each in one transaction.

    Raises Refusal on a newer schema.
    """
    conn.execute("create table if not exists migrations (name text primary key, applied_at timestamp not null)")
    done = applied(conn)
    scripts = sorted(MIGRATIONS.glob("*.sql"))
    if unknown := sorted((done | set(only or ())) - {script.name for script in scripts}):
        raise Refusal(
            "The database was written by a newer Countersign (it has %(name)s). Install that version again.",
            name=unknown[-1],
        )
    for script in scripts:
        if script.name not in done and (only is None or script.name in only):
            conn.begin()
            conn.execute(script.read_text("utf-8"))
            conn.execute("insert into migrations values (?, ?)", [script.name, now()])
            conn.commit()


def applied(conn: duckdb.DuckDBPyConnection) -> set[str]:
    """The migrations that the database has."""
    return {name for (name,) in conn.execute("select name from migrations").fetchall()}


def tables(conn: duckdb.DuckDBPyConnection) -> list[str]:
    """Every table, those that others refer to before these."""
    query = """
        select table_name from duckdb_tables()
        where database_name = current_database() and not internal and not temporary order by table_oid
    """
    return [name for (name,) in conn.execute(query).fetchall()]


def table(conn: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyRelation:
    """All rows of one of `tables`, to be fetched."""
    return conn.table(_word(name))


def take_in(conn: duckdb.DuckDBPyConnection, name: str) -> None:
    """Append what is `offered`, column by column, to one of `tables`."""
    conn.execute("insert into " + _word(name) + " from incoming")


def count_all(conn: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Table -> rows."""
    return {name: count(conn, name) for name in tables(conn)}


def count(conn: duckdb.DuckDBPyConnection, name: str) -> int:
    """How many rows one of `tables` has."""
    found = conn.execute("from " + _word(name) + " select count(*)").fetchone()
    assert found is not None
    return int(found[0])


def _word(name: str) -> str:
    if not name.isidentifier():
        raise ValueError("Table and column names are plain words.")
    return name


def now() -> datetime:
    """The time as the database keeps it: UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def rows(conn: duckdb.DuckDBPyConnection, query: str, values: Any = None) -> list[dict[str, Any]]:
    """The result as plain dicts, for the few rows that a page or a rule works on one by one."""
    result = conn.execute(query, values) if values is not None else conn.execute(query)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def arrow(conn: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any]) -> Any:
    """The result as an Arrow table, for the many rows that are worked on together; made without a copy."""
    conn.complete()  # a result that was not read to its end would be in the way
    return conn.sql(query, params=dict(values)).to_arrow_table()


def row(conn: duckdb.DuckDBPyConnection, query: str, values: Any = None) -> dict[str, Any] | None:
    """The first row of the result, or None."""
    return next(iter(rows(conn, query, values)), None)


def insert(conn: duckdb.DuckDBPyConnection, table: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Append the records, all with the same keys, which name columns. Table and keys come from our code only.

    One statement with unnested lists: 1,000 rows take 8 ms where executemany takes 500.
    """
    if not records:
        return
    columns = list(records[0])
    for name in (table, *columns):
        _word(name)
    for start in range(0, len(records), 5000):
        part = records[start : start + 5000]
        names = ", ".join(columns)
        lists = ", ".join(
            "unnest(?::varchar[][])" if isinstance(part[0][column], list) else "unnest(?)" for column in columns
        )
        query = "insert into " + table + " (" + names + ") select " + lists
        conn.execute(query, [[record[column] for record in part] for column in columns])


@contextmanager
def offered(conn: duckdb.DuckDBPyConnection, records: Any) -> Iterator[None]:
    """An Arrow table as `incoming` in the body's statements: 200,000 rows go in within a second."""
    conn.complete()  # a result that was not read to its end would be in the way
    conn.register("incoming", records)
    try:
        yield
    finally:
        conn.unregister("incoming")


@contextmanager
def reading(conn: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A consistent look at several tables: one read transaction."""
    conn.begin()
    try:
        yield conn
    finally:
        conn.rollback()
