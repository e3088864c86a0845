import pytest

from core.access import people, sessions
from core.store import database

PASSWORD = "correct horse battery"


@pytest.fixture
def mina(conn):
    return people.create_first(conn, name="Mina Li", password=PASSWORD)


def test_a_token_leads_to_its_person_and_only_its_hash_is_stored(conn, mina, tmp_path):
    token = sessions.start(conn, mina)
    assert sessions.person_of(conn, token) == mina
    assert conn.execute("select token_hash from sessions").fetchone()[0] == sessions.fingerprint(token)
    assert not any(token.encode() in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize("token", [None, "", "made up"])
def test_what_is_no_token_leads_to_nobody(conn, mina, token):
    sessions.start(conn, mina)
    assert sessions.person_of(conn, token) is None
    sessions.end(conn, token)  # and ends nothing
    assert conn.execute("select count(ended_at) from sessions").fetchone()[0] == 0


def test_a_session_that_ended_is_over_and_others_go_on(conn, mina):
    here, elsewhere = sessions.start(conn, mina), sessions.start(conn, mina)
    sessions.end(conn, here)
    assert sessions.person_of(conn, here) is None
    assert sessions.person_of(conn, elsewhere) == mina


def test_a_session_expires_after_fourteen_days(conn, mina):
    token = sessions.start(conn, mina)
    conn.execute("update sessions set expires_at = expires_at - interval 14 day + interval 1 minute")
    assert sessions.person_of(conn, token) == mina
    conn.execute("update sessions set expires_at = expires_at - interval 1 minute")
    assert sessions.person_of(conn, token) is None


def test_the_live_session_of_a_person_who_became_inactive_ends(conn, mina):
    token = sessions.start(conn, mina)
    conn.execute("update people set active = false")
    assert sessions.person_of(conn, token) is None


def test_start_and_end_are_audited_without_the_token(conn, mina):
    token = sessions.start(conn, mina)
    sessions.end(conn, token)
    sessions.end(conn, token)
    events = database.rows(conn, "select actor, act, subject from audit_events order by seq")[1:]
    head = sessions.fingerprint(token)[:16]
    assert events == [
        {"actor": "mina li", "act": "session.started", "subject": head},
        {"actor": "mina li", "act": "session.ended", "subject": head},
    ]
