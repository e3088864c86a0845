"""The people of this installation, and whether a name and a password belong together.

Guessing is slow (see haste), and a name nobody has behaves exactly like one that exists: same sentence, same waiting,
same cost.
"""

import hashlib
import secrets
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import duckdb
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.access import haste, roles
from core.access.roles import Role
from core.errors import Refusal
from core.locale.mark import N_
from core.store import audit, database

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1000
LONGEST_NAME = 60
RESERVED = {"system", "nobody", "supervisor", "worker"}
"""What the audit trail calls actors that are not people."""

CONFIRMED_FOR = timedelta(minutes=5)
FIRST = N_("Show first that it is you: press the button beside the form, sign in there, and come back soon.")
COMPANYS = N_("This account is the company's, and so is its password. Change it there.")

_hasher = PasswordHasher()  # argon2id with the parameters of RFC 9106, low memory
_nobody = _hasher.hash(secrets.token_urlsafe())
_veil = secrets.token_bytes(32)
_one_at_a_time = threading.Lock()  # else a hundred tries sent at once are all checked before the first is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in, with what they may do (see roles.ACTIONS)."""

    person_id: str
    name: str
    roles: frozenset[Role]


class Names(dict[str, str]):
    """Person id -> name; whoever is unknown here keeps the id."""

    def __missing__(self, person_id: str) -> str:
        return person_id


def identify(name: str) -> str:
    """The id that a name has: spelling variants of one name (case, width, spaces) are one person."""
    return unicodedata.normalize("NFKC", _tidy(name).casefold())


def presentable(name: str) -> str:
    """The name as it may be written here, cut and cleaned; empty when nothing of it can be used."""
    name = _tidy("".join(sign for sign in name if sign.isprintable()))[: LONGEST_NAME - 5].strip()
    return "" if identify(name) in RESERVED else name


def _tidy(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).split())


def any_exist(conn: duckdb.DuckDBPyConnection) -> bool:
    """Whether this installation has been set up."""
    return database.row(conn, "select 1 as one from people limit 1") is not None


def everyone(conn: duckdb.DuckDBPyConnection) -> list[Person]:
    """All active people, by name."""
    found = database.rows(conn, "select person_id, name, roles from people where active order by name")
    return [_person(row) for row in found]


def names(conn: duckdb.DuckDBPyConnection) -> Names:
    """Everybody's name, also of people who may not sign in any more; with the id where two have the same name."""
    known = database.rows(conn, "select person_id, name from people")
    taken = Counter(one["name"] for one in known)
    return Names(
        (one["person_id"], one["name"] if taken[one["name"]] == 1 else f"{one['name']} ({one['person_id']})")
        for one in known
    )


def create_first(conn: duckdb.DuckDBPyConnection, *, name: str, password: str) -> Person:
    """The first person, with all roles. Raises Refusal when there is somebody already, or as `create` does."""
    return _add(conn, name, password, roles.ROLES, actor="system", first=True)


def create(
    conn: duckdb.DuckDBPyConnection, *, name: str, password: str, roles_held: Iterable[Role], by: Person
) -> Person:
    """A further person. Raises Refusal when `by` is no admin, the name is taken or unusable, or the password weak."""
    roles.require(by, "people.manage")
    return _add(conn, name, password, roles_held, actor=by.person_id, first=False)


def _add(
    conn: duckdb.DuckDBPyConnection,
    name: str,
    password: str,
    roles_held: Iterable[Role],
    *,
    actor: str,
    first: bool,
) -> Person:
    person = Person(person_id=identify(name), name=_tidy(name), roles=frozenset(roles_held))
    _check_name(person)
    if unknown := person.roles.difference(roles.ROLES):
        raise Refusal("There is no role %(role)s. Choose among %(roles)s.", role=min(unknown), roles=roles.ROLES)
    password_hash = hashed(person, password)
    held = sorted(person.roles)
    with audit.change(conn, actor=actor, act="person.created", subject=person.person_id, detail={"roles": held}):
        if first and any_exist(conn):
            raise Refusal("This installation is already set up. Sign in instead.")
        if database.row(conn, "select 1 as one from people where person_id = ?", [person.person_id]):
            raise Refusal("There is already a person called %(name)s. Choose another name.", name=person.name)
        conn.execute(
            "insert into people (person_id, name, password_hash, roles, created_at) values (?, ?, ?, ?, ?)",
            [person.person_id, person.name, password_hash, held, database.now()],
        )
    return person


def hashed(person: Person, password: str) -> str:
    """What is stored of a new password. Raises Refusal when it is weak."""
    _check_password(person, password)
    return _hasher.hash(_normal(password))


def _check_name(person: Person) -> None:
    if not person.name or len(person.name) > LONGEST_NAME or not person.name.isprintable():
        raise Refusal(
            "A name has between 1 and %(longest)s visible characters. Choose such a name.", longest=LONGEST_NAME
        )
    if person.person_id in RESERVED:
        raise Refusal("The name %(name)s is kept for the audit trail. Choose another name.", name=person.name)


def _check_password(person: Person, password: str) -> None:
    length = len(_normal(password))
    if length < SHORTEST_PASSWORD:
        raise Refusal(
            "The password has %(length)s characters; at least %(shortest)s are needed. Three or four words will do.",
            length=length,
            shortest=SHORTEST_PASSWORD,
        )
    if length > LONGEST_PASSWORD:
        raise Refusal("The password has more than %(longest)s characters. Shorten it.", longest=LONGEST_PASSWORD)
    if identify(password) == person.person_id:
        raise Refusal("The password is the name, which anybody would try first. Choose another password.")


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)  # keyboards differ in how they send the same character


def verify(conn: duckdb.DuckDBPyConnection, name: str, password: str) -> Person:
    """The person whose name and password these are; the attempt is counted and audited either way.

    Raises Refusal when they do not belong together, or when it is too early for another try (not counted).
    """
    return _verify(
        conn, name, password, "sign_in", N_("Name and password do not belong together. Check both and try again.")
    )


def has_password(conn: duckdb.DuckDBPyConnection, person_id: str) -> bool:
    """Whether the person's password is kept here; people of the company's own sign-in have none."""
    row = database.row(conn, "select password_hash from people where person_id = ?", [person_id])
    return row is not None and row["password_hash"] != ""


def confirm(conn: duckdb.DuckDBPyConnection, person: Person, password: str, *, what: str = "") -> Person:
    """The person as the database has them now, once they have shown again that it is them.

    Who is signed in may have left the room: a signature, or a new password, needs the password at that moment. Who has
    none has signed in anew a few minutes ago at most, for this one form, which `what` names (identities.confirm).
    Raises Refusal as `verify` does; wrong tries count like those at the sign-in.
    """
    if not has_password(conn, person.person_id):
        return _confirmed(conn, person, what)
    return _verify(conn, person.name, password, "confirmation", N_("This is not your password. Type it again."))


def confirmed(conn: duckdb.DuckDBPyConnection, person: Person, what: str) -> bool:
    """Whether the person has signed in anew for this form and may use it now."""
    query = """
        select 1 as one from confirmations where person_id = ? and what = ? and used_at is null and confirmed_at > ?
    """
    return database.row(conn, query, [person.person_id, what, database.now() - CONFIRMED_FOR]) is not None


def _confirmed(conn: duckdb.DuckDBPyConnection, person: Person, what: str) -> Person:
    now, query = database.now(), "select person_id, name, roles from people where person_id = ? and active"
    found = database.row(conn, query, [person.person_id])
    with audit.alone():
        used = conn.execute(
            """
            update confirmations set used_at = $now
            where person_id = $person_id and what = $what and used_at is null and confirmed_at > $since returning 1
            """,
            {"person_id": person.person_id, "what": what, "now": now, "since": now - CONFIRMED_FOR},
        ).fetchone()
    if found is None or used is None:
        raise Refusal(FIRST)
    return _person(found)


def _verify(conn: duckdb.DuckDBPyConnection, name: str, password: str, what: str, sentence: str) -> Person:
    with _one_at_a_time:
        person_id = identify(name)
        query = "select person_id, name, roles, password_hash, active from people where person_id = ?"
        found = database.row(conn, query, [person_id])
        # People type their password into the name field: a name nobody has is never written down.
        counted = person_id if found else "?" + hashlib.blake2b(person_id.encode(), key=_veil).hexdigest()[:16]
        haste.refuse(conn, counted)
        right = _matches(found["password_hash"] or _nobody if found else _nobody, password)
        if found is None or not found["password_hash"] or not found["active"] or not right:
            subject = person_id if found else "unknown name"
            with audit.change(conn, actor="nobody", act=f"{what}.failed", subject=subject):
                haste.count(conn, counted, succeeded=False)
            if counted in haste.locked(conn):
                detail = {"minutes": haste.LOCKED_FOR.seconds // 60}
                with audit.change(conn, actor="system", act="person.locked", subject=subject, detail=detail):
                    pass
            raise Refusal(sentence)
        with audit.change(conn, actor=person_id, act=f"{what}.succeeded", subject=person_id):
            haste.count(conn, person_id, succeeded=True)
            if _hasher.check_needs_rehash(found["password_hash"]):
                conn.execute(
                    "update people set password_hash = ? where person_id = ?",
                    [_hasher.hash(_normal(password)), person_id],
                )
        return _person(found)


def recognise(conn: duckdb.DuckDBPyConnection, name: str, password: str) -> Person | None:
    """The active person whose name and password these are, without a trace: for a database that is only read.

    Tries are neither counted nor slowed down here; whoever calls this has to.
    """
    query = "select person_id, name, roles, password_hash from people where person_id = ? and active"
    found = database.row(conn, query, [identify(name)])
    right = _matches(found["password_hash"] if found else _nobody, password)
    return _person(found) if found and right else None


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def _person(row: dict[str, Any]) -> Person:
    return Person(person_id=row["person_id"], name=row["name"], roles=frozenset(row["roles"]))
