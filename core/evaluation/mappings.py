"""How the columns of a task's files were understood last time, so that nobody has to say it twice."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.intake.columns import Mapping
from core.store import audit, database


def remembered(conn: duckdb.DuckDBPyConnection, task_id: str, columns: Sequence[str]) -> Mapping | None:
    """The task's newest mapping that a file with these columns fits; None when there is none."""
    query = "select mapping from import_mappings where task_id = ? order by saved_at desc limit 20"
    for (text,) in conn.execute(query, [task_id]).fetchall():
        parts = json.loads(text)
        mapping = Mapping(**{**parts, "fields": tuple(parts["fields"])})
        if set(mapping.columns) <= set(columns):
            return mapping
    return None


def remember(
    conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, columns: Sequence[str], mapping: Mapping
) -> None:
    """Keep the mapping for the task's next file, unless it is what would be proposed anyway."""
    roles.require(by, "eval_set.import")
    if remembered(conn, task_id, columns) == mapping:
        return
    with audit.change(conn, actor=by.person_id, act="import.mapping_kept", subject=task_id):
        row = {"task_id": task_id, "mapping": content.canonical(asdict(mapping)), "saved_by": by.person_id}
        database.insert(conn, "import_mappings", [{**row, "saved_at": database.now()}])
