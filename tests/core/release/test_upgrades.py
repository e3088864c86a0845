"""A store of every earlier schema, with rows in it, opens with the program of today and has lost nothing."""

import pytest

from core.access import people
from core.evaluation import eval_sets, tasks
from core.settings import Settings
from core.store import anchors, audit, database

SCHEMAS = [path.name for path in sorted(database.MIGRATIONS.glob("*.sql"))]


@pytest.fixture(scope="module")
def today(built, tmp_path_factory):
    """A read-only look at a store of today's schema in which a trial was signed off."""
    conn = database.open_read_only(Settings(data=built("signed")).database)
    yield conn
    conn.close()


def columns(conn, table):
    query = "select column_name from duckdb_columns() where table_name = ? and database_name = current_database()"
    return {name for (name,) in conn.execute(query, [table]).fetchall()}


def fill(old, today):
    """Today's rows in the earlier schema's tables and columns; table -> rows."""
    counts = {}
    for table in database.tables(old):
        shared = columns(old, table) & columns(today, table)
        if table == "migrations" or not shared:
            continue
        rows = today.sql(f"select {', '.join(sorted(shared))} from {table}").to_arrow_table()
        with database.offered(old, rows):
            old.execute(f"insert into {table} by name select * from incoming")
        counts[table] = rows.num_rows
    return counts


@pytest.mark.parametrize("newest", SCHEMAS)
def test_an_earlier_store_is_brought_up_to_date_with_everything_in_it(today, tmp_path, newest):
    settings = Settings(data=tmp_path)
    old = database.open_file(settings.database)
    database.migrate(old, only=[name for name in SCHEMAS if name <= newest])
    counts = fill(old, today)
    head = audit.head(old)
    old.close()
    settings.anchor.write_text(f'{{"seq": {head[0]}, "hash": "{head[1]}", "at": ""}}\n')

    connection = database.connect(settings)
    conn = connection.cursor()
    assert database.applied(conn) == set(SCHEMAS)
    there = database.count_all(conn)
    assert {name: there[name] for name in counts if name in there} == counts
    assert counts["samples"] > 100
    assert counts["audit_events"] == head[0]
    assert audit.first_bad_entry(conn) is None
    assert anchors.newest(settings.anchor)["seq"] == head[0]
    (task,) = tasks.everything(conn)
    assert [one.name for one in eval_sets.of_task(conn, task.task_id)] == ["Parcels"]
    assert {one.name for one in people.everyone(conn)} == {"Mina", "Ann", "Max", "Eve", "Root"}
    connection.close()
