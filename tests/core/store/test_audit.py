"""Every change leaves an entry, nothing is changed without one, and what is missing is noticed."""

import json
import subprocess
import sys
import threading

import duckdb
import pytest

from core.errors import Refusal
from core.settings import Settings
from core.store import audit, checks, database


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data")


def write(conn, number):
    with audit.change(conn, actor="mina", act="test.written", subject=f"s{number}", detail={"n": number}):
        conn.execute("insert into group_splits values ('t', ?, 'dev')", [f"g{number}"])


def counts(conn):
    return (
        conn.execute("select count(*) from group_splits").fetchone()[0],
        conn.execute("select count(*) from audit_events").fetchone()[0],
    )


def write_half(conn):
    with audit.change(conn, actor="a", act="b", subject="c"):
        for split in ("dev", "no split"):
            conn.execute("insert into group_splits values ('t', 'lost', ?)", [split])


def test_a_change_and_its_event_are_committed_together_or_not_at_all(settings):
    conn = database.connect(settings).cursor()
    write(conn, 1)
    with pytest.raises(duckdb.ConstraintException):
        write_half(conn)
    assert counts(conn) == (1, 1)
    assert audit.first_bad_entry(conn) is None


def test_fifty_threads_leave_one_unbroken_chain(settings):
    database_connection = database.connect(settings)
    threads = [
        threading.Thread(target=lambda n=n: [write(database_connection.cursor(), f"{n}.{m}") for m in range(4)])
        for n in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    conn = database_connection.cursor()
    assert counts(conn) == (200, 200)
    assert audit.first_bad_entry(conn) is None


@pytest.mark.parametrize(
    ("tampering", "bad"),
    [
        ("update audit_events set actor = 'eve' where seq = 2", 2),
        ("update audit_events set detail = '{\"n\":9}' where seq = 3", 3),
        ("delete from audit_events where seq = 2", 2),
        ("update audit_events set seq = 99 where seq = 1", 1),
    ],
)
def test_the_first_altered_entry_is_named(settings, tampering, bad):
    conn = database.connect(settings).cursor()
    for number in range(4):
        write(conn, number)
    conn.execute(tampering)
    assert audit.first_bad_entry(conn) == bad


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("tampering", "bad"),
    [
        ("select 1", None),
        ("update audit_events set actor = 'eve' where seq = 4", 4),
        ("update audit_events set detail = 'NaN' where seq = 6", 6),
        ("update audit_events set happened_at = happened_at + interval 1 microsecond where seq = 7", 7),
        ("update audit_events set previous_hash = repeat('0', 64) where seq = 5", 5),
        ("update audit_events set hash = repeat('0', 64) where seq = 7", 7),
        ("delete from audit_events where seq = 3", 3),
        ("delete from audit_events where seq between 2 and 6", 2),
        ("update audit_events set seq = 1000000000000 where seq = 3", 3),
        ("update audit_events set seq = 0 where seq = 1", 1),
    ],
)
def test_the_chain_is_read_in_stretches_of_any_length(settings, monkeypatch, at_once, tampering, bad):
    conn = database.connect(settings).cursor()
    for text in ("会签 é", 'quotes " and \\', "\n\t\b\f\r", "\x01\x1f\x7f", "\u2028", "", "plain"):
        with audit.change(
            conn, actor="mina " + text, act="test.written", subject=text, detail={text: [text, 0.1, None]}
        ):
            pass
    conn.execute(tampering)
    monkeypatch.setattr(audit, "AT_ONCE", at_once)
    assert audit.first_bad_entry(conn) == bad


def test_the_start_reads_every_entry_and_later_checks_only_what_is_new(settings):
    connection = database.connect(settings)
    for number in range(4):
        write(connection.cursor(), number)
    connection.close()
    connection = database.connect(settings)
    conn = connection.cursor()
    found = checks.newest(conn)
    assert (found.seq, found.whole, found.bad) == (4, 4, None)
    write(conn, 5)
    found = checks.newest(conn)
    assert (found.seq, found.whole, found.bad) == (5, 4, None)
    conn.execute("update audit_events set actor = 'eve' where seq in (2, 5)")
    assert checks.newest(conn).bad is None  # read before, and their hashes stand as they were
    write(conn, 6)
    assert checks.newest(conn).bad is None
    assert checks.whole(conn).bad == 2
    assert checks.newest(conn).bad == 2
    connection.close()
    assert checks.newest(database.connect(settings).cursor()).bad == 2


def test_another_last_entry_than_the_one_that_was_checked_has_all_of_them_read(settings):
    conn = database.connect(settings).cursor()
    for number in range(4):
        write(conn, number)
    assert checks.newest(conn).bad is None
    conn.execute("update audit_events set actor = 'eve' where seq = 2")
    conn.execute("delete from audit_events where seq = 4")
    assert checks.newest(conn).bad == 2


def test_a_cut_tail_is_noticed_at_the_next_start(settings):
    conn = database.connect(settings)
    for number in range(5):
        write(conn.cursor(), number)
    conn.cursor().execute("delete from audit_events where seq > 3")
    conn.close()
    with pytest.raises(Refusal, match="2 audit entries are missing"):
        database.connect(settings)


def test_an_older_database_swapped_in_is_noticed(settings, tmp_path):
    conn = database.connect(settings)
    write(conn.cursor(), 1)
    conn.close()
    old = settings.database.read_bytes()
    conn = database.connect(settings)
    write(conn.cursor(), 2)
    conn.close()
    settings.database.write_bytes(old)
    with pytest.raises(Refusal, match="1 audit entries are missing"):
        database.connect(settings)


def test_a_kill_between_commit_and_anchor_does_not_lock_anybody_out(settings):
    conn = database.connect(settings)
    for number in range(3):
        write(conn.cursor(), number)
    conn.close()
    lines = settings.anchor.read_text().splitlines()
    settings.anchor.write_text("\n".join([*lines[:-1], lines[-1][:10]]))
    conn = database.connect(settings)
    assert json.loads(settings.anchor.read_text())["seq"] == 3
    conn.close()


FILL = """
import resource, sys
from pathlib import Path
from core.errors import Refusal
from core.settings import Settings
from core.store import audit, checks, database
conn = database.connect(Settings(data=Path(sys.argv[1]))).cursor()
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
saved = 0
try:
    for number in range(200):
        with audit.change(conn, actor="a", act="b", subject="c", detail={"text": "x" * 100_000 + str(number)}):
            conn.execute("insert into group_splits values ('t', ?, 'dev')", [str(number)])
        saved += 1
except Refusal as refusal:
    print(saved, refusal)
"""


def test_a_disk_without_room_is_a_sentence_and_what_was_acknowledged_stays(settings):
    said = subprocess.run([sys.executable, "-c", FILL, str(settings.data)], capture_output=True, text=True)
    saved, _, sentence = said.stdout.partition(" ")
    assert sentence.startswith("The disk is full"), said.stderr
    conn = database.connect(settings).cursor()
    assert counts(conn) == (int(saved), int(saved))
    assert int(saved) > 0
    assert audit.first_bad_entry(conn) is None
