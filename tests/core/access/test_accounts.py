import pytest

from core.access import accounts, people, roles, sessions
from core.errors import Refusal
from core.store import database

OLD, NEW = "correct horse battery", "quite another thing"


@pytest.fixture
def mina(conn):
    return people.create_first(conn, name="Mina Li", password=OLD)


@pytest.fixture
def bo(conn, mina):
    return people.create(conn, name="Bo", password=OLD, roles_held=["expert"], by=mina)


def test_a_new_password_ends_every_session_and_the_old_one_is_worthless(conn, bo):
    here, elsewhere = sessions.start(conn, bo), sessions.start(conn, bo)
    accounts.change_password(conn, by=bo, old=OLD, new=NEW)
    assert [sessions.person_of(conn, token) for token in (here, elsewhere)] == [None, None]
    assert people.verify(conn, "Bo", NEW) == bo
    with pytest.raises(Refusal, match="do not belong together"):
        people.verify(conn, "Bo", OLD)


def test_nobody_changes_a_password_without_the_old_one_or_to_a_weak_one(conn, bo):
    with pytest.raises(Refusal, match="not your password"):
        accounts.change_password(conn, by=bo, old="something else", new=NEW)
    with pytest.raises(Refusal, match="at least 10"):
        accounts.change_password(conn, by=bo, old=OLD, new="short")
    assert people.verify(conn, "Bo", OLD) == bo


def test_who_is_deactivated_is_out_at_once_and_can_come_back(conn, mina, bo):
    token = sessions.start(conn, bo)
    accounts.deactivate(conn, "bo", by=mina)
    assert sessions.person_of(conn, token) is None
    with pytest.raises(Refusal):
        people.verify(conn, "Bo", OLD)
    assert [one["active"] for one in accounts.everyone(conn, by=mina)] == [True, False]
    accounts.reactivate(conn, "bo", by=mina)
    assert people.verify(conn, "Bo", OLD) == bo
    assert sessions.person_of(conn, token) is None  # the old session stays over


def test_roles_count_at_once_in_open_sessions_too(conn, mina, bo):
    token = sessions.start(conn, bo)
    accounts.set_roles(conn, "bo", ["approver", "manager"], by=mina)
    assert sessions.person_of(conn, token).roles == {"approver", "manager"}


def test_there_is_always_an_admin(conn, mina, bo):
    with pytest.raises(Refusal, match="last admin"):
        accounts.deactivate(conn, "mina li", by=mina)
    with pytest.raises(Refusal, match="last admin"):
        accounts.set_roles(conn, "mina li", ["expert"], by=mina)
    assert people.verify(conn, "Mina Li", OLD).roles == frozenset(roles.ROLES)


def test_an_admin_helps_who_forgot_and_it_is_on_record(conn, mina, bo):
    accounts.give_password(conn, "bo", NEW, by=mina)
    assert people.verify(conn, "Bo", NEW) == bo
    query = "select actor, subject from audit_events where act = 'person.password_given'"
    assert conn.execute(query).fetchall() == [("mina li", "bo")]


def lock(conn):
    failures = [("bo", database.now(), False)] * 10
    conn.executemany("insert into sign_in_attempts values (?, ?, ?)", failures)


def test_an_admin_opens_a_locked_account_and_it_is_on_record(conn, mina, bo):
    lock(conn)
    assert list(accounts.locked(conn, by=mina)[0]) == ["bo"]
    with pytest.raises(Refusal, match="is locked"):
        people.confirm(conn, bo, OLD)  # a signature is locked as well
    with pytest.raises(Refusal, match="Only an admin"):
        accounts.unlock(conn, "bo", by=bo)
    accounts.unlock(conn, "bo", by=mina)
    assert accounts.locked(conn, by=mina) == ({}, 0)
    assert people.verify(conn, "Bo", OLD) == bo
    with pytest.raises(Refusal, match="is not locked"):
        accounts.unlock(conn, "bo", by=mina)
    query = "select actor, subject from audit_events where act = 'person.unlocked'"
    assert conn.execute(query).fetchall() == [("mina li", "bo")]
    lock(conn)
    accounts.give_password(conn, "bo", NEW, by=mina)  # who forgot theirs need not wait either
    assert people.verify(conn, "Bo", NEW) == bo


@pytest.mark.parametrize(
    "act",
    [
        lambda conn, by: accounts.everyone(conn, by=by),
        lambda conn, by: accounts.set_roles(conn, "bo", ["admin"], by=by),
        lambda conn, by: accounts.deactivate(conn, "mina li", by=by),
        lambda conn, by: accounts.reactivate(conn, "bo", by=by),
        lambda conn, by: accounts.give_password(conn, "mina li", NEW, by=by),
    ],
)
def test_only_an_admin_touches_other_accounts(conn, bo, act):
    with pytest.raises(Refusal, match="Only an admin"):
        act(conn, bo)
