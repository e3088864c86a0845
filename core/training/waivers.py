"""Waivers of the leakage guard: somebody signs that a sample is used though it is like a locked one."""

import duckdb

from core import content
from core.access import people, roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.store import audit, database

FORM = content.digest({"form": "leakage.waived"})
"""What people without a password here confirm by a new sign-in; it is good for one waiver."""


def sign(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    password: str,
    task_id: str,
    sample_id: str,
    locked_sample_id: str,
    reason: str,
) -> None:
    """Let this one pair through, in this and all later training sets.

    Raises Refusal unless an approver signs with a reason and, again, with the own password; or after a new sign-in
    where they have none here.
    """
    roles.require(by, "approve")
    if not reason.strip():
        raise Refusal(N_("A waiver needs a reason. Say why the likeness does not let the model learn the test."))
    people.confirm(conn, by, password, what=FORM)
    row = {"task_id": task_id, "sample_id": sample_id, "locked_sample_id": locked_sample_id, "reason": reason.strip()}
    with audit.change(conn, actor=by.person_id, act="leakage.waived", subject=sample_id, detail=row):
        database.insert(conn, "leakage_waivers", [{**row, "waived_by": by.person_id, "waived_at": database.now()}])


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> set[tuple[str, str]]:
    """The pairs (approved sample, locked sample) that were let through."""
    query = "select sample_id, locked_sample_id from leakage_waivers where task_id = ?"
    return set(conn.execute(query, [task_id]).fetchall())
