from datetime import timedelta

import pytest

from core import settings
from core.access import people, sessions
from core.errors import Refusal
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


def test_a_session_ends_when_nobody_used_it_for_a_working_day_and_goes_on_when_somebody_did(conn, mina):
    token = sessions.start(conn, mina)

    def sit(minutes):
        conn.execute("update sessions set seen_at = seen_at - to_minutes(?)", [minutes])

    sit(8 * 60 - 1)
    assert sessions.person_of(conn, token) == mina
    sessions.used(conn, token)
    sit(8 * 60 - 1)
    assert sessions.person_of(conn, token) == mina
    sit(1)
    assert sessions.person_of(conn, token) is None


def test_how_long_may_be_set_and_a_session_from_before_idle_times_counts_from_its_beginning(conn, mina):
    token = sessions.start(conn, mina, lifetime=timedelta(hours=1))
    conn.execute("update sessions set seen_at = null, created_at = created_at - interval 20 minute")
    assert sessions.person_of(conn, token, idle=timedelta(minutes=21)) == mina
    assert sessions.person_of(conn, token, idle=timedelta(minutes=20)) is None
    conn.execute("update sessions set expires_at = expires_at - interval 1 hour")
    assert sessions.person_of(conn, token, idle=timedelta(days=1)) is None


def test_use_is_written_down_once_a_minute_at_most_and_never_wakes_what_has_ended(conn, mina):
    token = sessions.start(conn, mina)
    query = "select seen_at from sessions"
    first = conn.execute(query).fetchone()
    sessions.used(conn, token)
    assert conn.execute(query).fetchone() == first
    sessions.end(conn, token)
    conn.execute("update sessions set seen_at = seen_at - interval 2 minute")
    before = conn.execute(query).fetchone()
    sessions.used(conn, token)
    assert conn.execute(query).fetchone() == before


def test_hours_come_from_the_environment_and_nonsense_is_a_sentence(monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_IDLE_HOURS", "0.5")
    monkeypatch.setenv("COUNTERSIGN_SESSION_HOURS", "24")
    found = settings.read()
    assert (found.idle, found.lifetime) == (timedelta(minutes=30), timedelta(days=1))
    for nonsense in ("soon", "0", "-1", "1e99"):
        monkeypatch.setenv("COUNTERSIGN_IDLE_HOURS", nonsense)
        with pytest.raises(Refusal, match="has to be a number of hours above 0"):
            settings.read()


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
