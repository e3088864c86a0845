"""A task's sign-offs and the moves of its aliases in time, for a chart with marks."""

from typing import Any

import duckdb

from core.release import releases, sign_offs


def signed(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """What each sign-off's version reached on its gate samples, the oldest first: `when`, `number`, `state`, `value`,
    `low`, `high` (shares) and `n`."""
    found = []
    for case in reversed(sign_offs.of_task(conn, task_id)):
        after = case.findings["compared"]["gate"]["after"]
        row = {"when": case.requested_at, "number": case.number, "state": sign_offs.state(conn, case)}
        found.append(row | {name: after[name] for name in ("value", "low", "high", "n")})
    return found


def marks(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """When production moved, the oldest first: `when`, `kind` (released or rolled_back) and the release's `number`."""
    moved = [one for one in releases.moves(conn, task_id) if one["alias"] == "production"]
    return [{"when": one["moved_at"], "kind": one["kind"], "number": one["number"]} for one in reversed(moved)]
