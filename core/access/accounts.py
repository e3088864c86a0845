"""What happens to an account after it was made: another password, other roles, the end of it. Nobody is deleted."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import duckdb

from core.access import haste, people, roles
from core.access.people import Person
from core.access.roles import Role
from core.errors import Refusal
from core.locale.mark import N_
from core.store import audit, database

NOBODY = N_("There is no such person. Reload the page.")
LAST_ADMIN = N_("%(name)s is the last admin. Make somebody else an admin first.")


def everyone(conn: duckdb.DuckDBPyConnection, *, by: Person) -> list[dict[str, object]]:
    """All people, those who left too: `person_id`, `name`, `roles`, `active`, `created_at`, by name.

    `local` tells whether their password is kept here and not with the company.
    """
    roles.require(by, "people.manage")
    query = """
        select person_id, name, roles, active, created_at, password_hash <> '' as local from people
        order by active desc, name
    """
    return database.rows(conn, query)


def failures(conn: duckdb.DuckDBPyConnection, *, by: Person, days: int = 30) -> list[dict[str, object]]:
    """Failed sign-ins and signatures of the last days, the newest 200 first: `happened_at`, `act`, `subject`, `why`."""
    roles.require(by, "people.manage")
    query = """
        select happened_at, act, subject, coalesce(detail ->> 'why', '') as why from audit_events
        where act in ('sign_in.failed', 'confirmation.failed') and happened_at > ? order by seq desc limit 200
    """
    return database.rows(conn, query, [database.now() - timedelta(days=days)])


def slowed(conn: duckdb.DuckDBPyConnection, *, by: Person) -> tuple[list[str], int]:
    """Whose next try has to wait, after several wrong ones: people's ids, and how many names that nobody has."""
    roles.require(by, "people.manage")
    names = haste.slowed(conn)
    known = [name for name in names if not name.startswith("?")]
    return known, len(names) - len(known)


def locked(conn: duckdb.DuckDBPyConnection, *, by: Person) -> tuple[dict[str, datetime], int]:
    """Whose account is locked after too many wrong passwords: id -> until when (UTC), and how many names nobody has."""
    roles.require(by, "people.manage")
    names = haste.locked(conn)
    known = {name: until for name, until in names.items() if not name.startswith("?")}
    return known, len(names) - len(known)


def unlock(conn: duckdb.DuckDBPyConnection, person_id: str, *, by: Person) -> None:
    """Let the person try again at once. Raises Refusal when the account is not locked."""
    roles.require(by, "people.manage")
    _find(conn, person_id)
    with audit.change(conn, actor=by.person_id, act="person.unlocked", subject=person_id):
        if person_id not in haste.locked(conn):
            raise Refusal(N_("This account is not locked (any more). Reload the page."))
        haste.forgive(conn, person_id, by=by.person_id)


def change_password(conn: duckdb.DuckDBPyConnection, *, by: Person, old: str, new: str) -> None:
    """Choose another password; every session of the person ends, on all devices.

    Raises Refusal when the old one is wrong or the new one weak.
    """
    _require_own_password(conn, by.person_id)
    person = people.confirm(conn, by, old)
    hashed = people.hashed(person, new)
    with audit.change(conn, actor=person.person_id, act="person.password_changed", subject=person.person_id):
        conn.execute("update people set password_hash = ? where person_id = ?", [hashed, person.person_id])
        _end_sessions(conn, person.person_id)


def give_password(conn: duckdb.DuckDBPyConnection, person_id: str, new: str, *, by: Person) -> None:
    """Give somebody who has forgotten theirs a new password: their sessions end, and a lock does. It is on record."""
    roles.require(by, "people.manage")
    person = _find(conn, person_id)
    if person.person_id == by.person_id:
        raise Refusal(N_("This is you. Change your own password with the old one."))
    _require_own_password(conn, person_id)
    hashed = people.hashed(person, new)
    with audit.change(conn, actor=by.person_id, act="person.password_given", subject=person_id):
        conn.execute("update people set password_hash = ? where person_id = ?", [hashed, person_id])
        haste.forgive(conn, person_id, by=by.person_id)
        _end_sessions(conn, person_id)


def set_roles(conn: duckdb.DuckDBPyConnection, person_id: str, held: Iterable[Role], *, by: Person) -> None:
    """Give the person exactly these roles. They count from the next click on, in open sessions too."""
    roles.require(by, "people.manage")
    wanted = sorted(set(held))
    if unknown := set(wanted).difference(roles.ROLES):
        raise Refusal("There is no role %(role)s. Choose among %(roles)s.", role=min(unknown), roles=roles.ROLES)
    person = _find(conn, person_id)
    detail = {"before": sorted(person.roles), "after": wanted}
    with audit.change(conn, actor=by.person_id, act="person.roles_changed", subject=person_id, detail=detail):
        conn.execute("update people set roles = ? where person_id = ?", [wanted, person_id])
        _keep_an_admin(conn, person)


def deactivate(conn: duckdb.DuckDBPyConnection, person_id: str, *, by: Person) -> None:
    """End the account: no sign-in, and sessions that are open end at the next click. All they did stays readable."""
    roles.require(by, "people.manage")
    person = _find(conn, person_id)
    with audit.change(conn, actor=by.person_id, act="person.deactivated", subject=person_id):
        conn.execute("update people set active = false where person_id = ?", [person_id])
        _end_sessions(conn, person_id)
        _keep_an_admin(conn, person)


def reactivate(conn: duckdb.DuckDBPyConnection, person_id: str, *, by: Person) -> None:
    """Let the person sign in again, with the roles and the password they had."""
    roles.require(by, "people.manage")
    _find(conn, person_id)
    with audit.change(conn, actor=by.person_id, act="person.reactivated", subject=person_id):
        conn.execute("update people set active = true where person_id = ?", [person_id])


def sign_out_everywhere(conn: duckdb.DuckDBPyConnection, *, by: Person) -> None:
    """End every session of the person, this one included."""
    with audit.change(conn, actor=by.person_id, act="session.ended_everywhere", subject=by.person_id):
        _end_sessions(conn, by.person_id)


def _find(conn: duckdb.DuckDBPyConnection, person_id: str) -> Person:
    row = database.row(conn, "select person_id, name, roles from people where person_id = ?", [person_id])
    if row is None:
        raise Refusal(NOBODY)
    return Person(person_id=row["person_id"], name=row["name"], roles=frozenset(row["roles"]))


def _require_own_password(conn: duckdb.DuckDBPyConnection, person_id: str) -> None:
    if not people.has_password(conn, person_id):
        raise Refusal(people.COMPANYS)


def _end_sessions(conn: duckdb.DuckDBPyConnection, person_id: str) -> None:
    conn.execute(
        "update sessions set ended_at = ? where person_id = ? and ended_at is null", [database.now(), person_id]
    )


def _keep_an_admin(conn: duckdb.DuckDBPyConnection, person: Person) -> None:
    query = "select 1 as one from people where active and list_contains(roles, 'admin') limit 1"
    if database.row(conn, query) is None:
        raise Refusal(LAST_ADMIN, name=person.name)
