"""People who sign in with the company's own account (OpenID Connect): who they are here, and in which roles.

A person is found by issuer and subject, which a provider gives to nobody else; never by name or e-mail, since both
change hands. They have no password here, so whoever guesses names and passwords never gets in as one of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import duckdb

from core.access import people
from core.access.people import Person
from core.access.roles import Role
from core.errors import Refusal
from core.locale.mark import N_
from core.store import audit, database

ENDED = N_("Your account here has ended. Ask an admin.")
NO_GROUP = N_("None of your groups has a role here. Ask whoever looks after them to add you to one.")
NO_ROLE = N_("You are known here now, but have no role yet. Ask an admin for one, then sign in again.")
SOMEBODY_ELSE = N_("You signed in as somebody else. Sign in there as yourself, then try again.")
WRITTEN_A_MINUTE = 30
"""Failures that reach the audit trail: nobody may fill it from outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the provider vouches for; `names` are names to go by, the best first."""

    issuer: str
    subject: str
    names: Sequence[str]
    groups: Collection[str]


def admit(
    conn: duckdb.DuckDBPyConnection, identity: Identity, *, mapping: Mapping[str, Sequence[Role]] | None
) -> Person:
    """The person with this identity, made at their first sign-in; with a mapping, in the roles of their groups.

    Raises Refusal for people who were deactivated or have no role; the attempt is audited either way.
    """
    found = find(conn, identity)
    held = {role for group in identity.groups for role in mapping.get(group, ())} if mapping is not None else None
    if found is not None and not found["active"]:
        failed(conn, "deactivated", subject=found["person_id"])
        raise Refusal(ENDED)
    if held is not None and not held:
        failed(conn, "no role", subject=found["person_id"] if found else "unknown name")
        raise Refusal(NO_GROUP)
    if found is None:
        found = _create(conn, identity, held or set())
    elif held is not None and held != set(found["roles"]):
        detail = {"before": sorted(found["roles"]), "after": sorted(held), "how": "groups"}
        person_id = found["person_id"]
        with audit.change(conn, actor="system", act="person.roles_changed", subject=person_id, detail=detail):
            conn.execute("update people set roles = ? where person_id = ?", [sorted(held), person_id])
        found["roles"] = sorted(held)
    if not found["roles"]:
        failed(conn, "no role", subject=found["person_id"])
        raise Refusal(NO_ROLE)
    person = Person(person_id=found["person_id"], name=found["name"], roles=frozenset(found["roles"]))
    said = {"how": "oidc", "issuer": identity.issuer}
    with audit.change(conn, actor=person.person_id, act="sign_in.succeeded", subject=person.person_id, detail=said):
        pass
    return person


def confirm(conn: duckdb.DuckDBPyConnection, person: Person, identity: Identity, what: str) -> None:
    """The person has signed in anew to use one form, named by `what`; see people.confirm.

    Raises Refusal when it is somebody else who did.
    """
    found = find(conn, identity)
    if found is None or found["person_id"] != person.person_id or not found["active"]:
        failed(conn, "somebody else", subject=person.person_id, act="confirmation.failed")
        raise Refusal(SOMEBODY_ELSE)
    with audit.change(
        conn, actor=person.person_id, act="confirmation.succeeded", subject=person.person_id, detail={"how": "oidc"}
    ):
        row = {"person_id": person.person_id, "what": what, "confirmed_at": database.now()}
        database.insert(conn, "confirmations", [row])


def failed(
    conn: duckdb.DuckDBPyConnection, why: str, *, subject: str = "unknown name", act: str = "sign_in.failed"
) -> None:
    """Put a failed attempt on record, unless there are so many that somebody is filling the record on purpose."""
    query = "select count(*) from audit_events where act = ? and happened_at > ?"
    recent = conn.execute(query, [act, database.now() - timedelta(minutes=1)]).fetchone()
    if recent and recent[0] < WRITTEN_A_MINUTE:
        with audit.change(conn, actor="nobody", act=act, subject=subject, detail={"how": "oidc", "why": why}):
            pass


def find(conn: duckdb.DuckDBPyConnection, identity: Identity) -> dict[str, Any] | None:
    """`person_id`, `name`, `roles` and `active` of the person with this identity; None if they never signed in."""
    query = """
        select person_id, name, roles, active from identities join people using (person_id)
        where issuer = ? and subject = ?
    """
    return database.row(conn, query, [identity.issuer, identity.subject])


def _create(conn: duckdb.DuckDBPyConnection, identity: Identity, held: Collection[Role]) -> dict[str, Any]:
    name = _free_name(conn, identity.names)
    person_id = people.identify(name)
    row = {"person_id": person_id, "name": name, "password_hash": "", "roles": sorted(held)}
    linked = {"issuer": identity.issuer, "subject": identity.subject, "person_id": person_id}
    detail = {"roles": sorted(held), "how": "oidc", "issuer": identity.issuer}
    try:
        with audit.change(conn, actor="system", act="person.created", subject=person_id, detail=detail):
            database.insert(conn, "people", [{**row, "created_at": database.now()}])
            database.insert(conn, "identities", [{**linked, "linked_at": database.now()}])
    except duckdb.ConstraintException:  # a second window was faster, or somebody else of that name
        return find(conn, identity) or _create(conn, identity, held)
    return {**row, "active": True}


def _free_name(conn: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> str:
    """A name nobody has: two people may be called the same, and no newcomer may look like somebody else."""
    usable = (people.presentable(name) for name in wanted)
    name = next((name for name in usable if name), "SSO")
    number, free = 1, name
    while database.row(conn, "select 1 as one from people where person_id = ?", [people.identify(free)]):
        number += 1
        free = f"{name} {number}"
    return free
