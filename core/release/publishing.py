"""What the app tells the server, by files: where each alias points, and which keys count."""

import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from core.release import bundles
from core.settings import Settings
from core.store import database

_telling = threading.Lock()


def folder_of(settings: Settings) -> Path:
    """Where bundles lie, with `aliases.json` and `keys.json` beside them for the server."""
    return settings.data / "releases"


def publish(conn: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Tell the server, by a file, where each alias points and which keys count.

    Called after every move and at start-up: a kill between the two leaves an old file for that long only. Of two moves
    at once the later one is told last.
    """
    with _telling:
        _publish(conn, settings)


def _publish(conn: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    query = """
        select a.task_id, a.alias, a.release_id, r.digest, t.name, coalesce((
                select last(s.logged_share order by s.version) from serving_terms as s where s.task_id = a.task_id
            ), 0.0) as logged_share
        from aliases as a join releases as r using (release_id) join tasks as t on t.task_id = a.task_id order by all
    """
    found: dict[str, dict[str, Any]] = {}
    for row in database.rows(conn, query):
        name = slug(json.loads(row["name"]), row["task_id"])
        one = found.setdefault(name, {"task_id": row["task_id"], "logged_share": row["logged_share"], "aliases": {}})
        one["aliases"][row["alias"]] = {"release_id": row["release_id"], "digest": row["digest"]}
    bundles.publish(folder_of(settings), "aliases.json", found)
    keys = conn.execute("select key_hash from serving_keys where revoked_at is null order by key_hash").fetchall()
    bundles.publish(folder_of(settings), "keys.json", [key for (key,) in keys])


def slug(name: Mapping[str, str], task_id: str) -> str:
    """What business systems call the task: its English name in small letters with its id's tail, which is unique."""
    words = re.sub(r"[^a-z0-9]+", "-", name.get("en", "").lower()).strip("-")
    return f"{words or 'task'}-{task_id[-4:]}"
