"""When anchored audit entries are missing: nothing is changed until an admin signs that it may go on as it is.

The other way, and the better one, is to restore a backup. Until one of the two is done, the database is only read.
"""

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from core.access import people, roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.settings import Settings
from core.store import anchors, audit, database

LONGEST_REASON = 4000
PAUSE_S = 1.0
"""Between two tries: nothing may be written, so tries cannot be counted as at the sign-in."""

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What the database still has: its last audit entry, when that was written (UTC), and who could sign."""

    seq: int
    newest: datetime | None
    admins: tuple[str, ...]


def look(settings: Settings) -> Left:
    """What is left; nothing at all where the database is missing or cannot be read."""
    try:
        conn = database.open_read_only(settings.database)
    except duckdb.Error:
        return Left(seq=0, newest=None, admins=())
    try:
        found = conn.execute("select seq, happened_at from audit_events order by seq desc limit 1").fetchone()
        admins = tuple(one.name for one in people.everyone(conn) if roles.may(one, "recovery.accept"))
        return Left(seq=found[0] if found else 0, newest=found[1] if found else None, admins=admins)
    except duckdb.CatalogException:  # not even the tables are there
        return Left(seq=0, newest=None, admins=())
    finally:
        conn.close()


def accept(settings: Settings, *, name: str, password: str, reason: str) -> Person:
    """Go on with what is left, signed by an admin with a reason; the trail's next entry says so for good.

    Raises Refusal when nothing is missing (any more), when the reason is missing, when name and password do not belong
    together, or when that is no admin. The anchor that knew more is kept beside the new one.
    """
    if not 3 <= len(reason.strip()) <= LONGEST_REASON:
        raise Refusal(N_("A signature needs a reason. Write in a sentence why you sign."))
    with _one_at_a_time:
        time.sleep(PAUSE_S)
        damage = _damage(settings)
        person = _recognised(settings, name, password)
        roles.require(person, "recovery.accept")
        known = anchors.newest(settings.anchor)
        conn = database.open_file(settings.database)
        try:
            database.migrate(conn)
            seq, head = audit.head(conn)
            detail: dict[str, Any] = {"reason": reason.strip(), "printed_name": person.name, "kind": damage.kind}
            detail |= {"anchored": known, "found": {"seq": seq, "hash": head}, "missing": damage.missing}
            detail |= {"local_time": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}"}
            with audit.change(conn, actor=person.person_id, act="recovery.accepted", subject="audit", detail=detail):
                pass
            if settings.anchor.exists():
                settings.anchor.replace(_kept(settings.anchor))
            anchors.follow(conn, settings.anchor)
        finally:
            conn.close()
    return person


def _damage(settings: Settings) -> anchors.Damaged:
    try:
        database.examine(settings)
    except anchors.Damaged as damage:
        return damage
    raise Refusal(N_("Nothing is missing any more. Reload the page."))


def _recognised(settings: Settings, name: str, password: str) -> Person:
    try:
        conn = database.open_read_only(settings.database)
    except duckdb.Error as error:
        raise Refusal(N_("The database cannot be read, so it cannot be accepted. Restore a backup.")) from error
    try:
        found = people.recognise(conn, name, password)
    except duckdb.CatalogException:
        found = None
    finally:
        conn.close()
    if found is None:
        raise Refusal(N_("Name and password do not belong together. Check both and try again."))
    return found


def _kept(anchor: Path) -> Path:
    return anchor.with_name(f"{anchor.stem}-{database.now():%Y%m%d-%H%M%S}{anchor.suffix}")
