"""Around a release in use: keys for business systems, the share of answers kept, and the pool they make."""

import json
import secrets
from datetime import datetime
from typing import Any

import duckdb

from core import content
from core.access import roles, sessions
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import eval_sets
from core.evaluation.eval_sets import EvalSet
from core.evaluation.importing import Row, Split
from core.locale.mark import N_
from core.release import publishing
from core.settings import Settings
from core.store import audit, database

POOL = "From production"
SHARES: dict[Split, float] = {"dev": 1.0, "train": 0.0, "gate": 0.0, "retain": 0.0}


def make_key(conn: duckdb.DuckDBPyConnection, settings: Settings, name: str, *, by: Person) -> str:
    """A key for a business system. It is returned this once; only its hash is kept."""
    roles.require(by, "serving.manage")
    if not name.strip():
        raise Refusal(N_("Say which system will use the key."))
    key = f"cs-{secrets.token_urlsafe(32)}"
    row = {"key_hash": sessions.fingerprint(key), "name": name.strip(), "created_by": by.person_id}
    with audit.change(conn, actor=by.person_id, act="serving.key_made", subject=row["key_hash"][:16]) as detail:
        detail["name"] = name.strip()
        database.insert(conn, "serving_keys", [{**row, "created_at": database.now()}])
    publishing.publish(conn, settings)
    return key


def revoke_key(conn: duckdb.DuckDBPyConnection, settings: Settings, key_hash: str, *, by: Person) -> None:
    """The key is worthless from the next question on."""
    roles.require(by, "serving.manage")
    with audit.change(conn, actor=by.person_id, act="serving.key_revoked", subject=key_hash[:16]):
        query = "update serving_keys set revoked_at = ? where key_hash = ? and revoked_at is null"
        conn.execute(query, [database.now(), key_hash])
    publishing.publish(conn, settings)


def keys(conn: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The keys that count: `key_hash`, `name`, `created_by`, `created_at`; the newest first."""
    query = "select * from serving_keys where revoked_at is null order by created_at desc"
    return database.rows(conn, query)


def keep_share(conn: duckdb.DuckDBPyConnection, settings: Settings, task_id: str, share: float, *, by: Person) -> None:
    """Keep this share (0..1) of the task's questions and answers from now on; 0, as at first, keeps none."""
    roles.require(by, "serving.manage")
    detail = {"share": share}
    with audit.change(conn, actor=by.person_id, act="serving.share_set", subject=task_id, detail=detail):
        found = conn.execute("select count(*) + 1 from serving_terms where task_id = ?", [task_id]).fetchone()
        assert found is not None
        row = {"task_id": task_id, "version": found[0], "logged_share": share, "set_by": by.person_id}
        database.insert(conn, "serving_terms", [{**row, "set_at": database.now()}])
    publishing.publish(conn, settings)


def kept_share(conn: duckdb.DuckDBPyConnection, task_id: str) -> float:
    """The share that is kept now."""
    query = "select logged_share from serving_terms where task_id = ? order by version desc limit 1"
    row = database.row(conn, query, [task_id])
    return float(row["logged_share"]) if row else 0.0


def take_in(conn: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Bring what the server has kept into the database; returns how many are new. Twice changes nothing."""
    known = {name for (name,) in conn.execute("select served_id from served_answers").fetchall()}
    new: dict[str, dict[str, Any]] = {}
    for path in sorted((settings.data / "served").glob("*.jsonl")):
        for text in path.read_text("utf-8").splitlines():
            try:
                row = _kept(json.loads(text))
            except (ValueError, KeyError):
                continue  # half a line, cut by a kill
            if row["served_id"] not in known:
                new[row["served_id"]] = row
    if new:
        with audit.change(conn, actor="system", act="served.taken_in", subject="served", detail={"answers": len(new)}):
            database.insert(conn, "served_answers", list(new.values()))
    return len(new)


_ALWAYS = ("served_id", "task_id", "release_id", "input", "context", "answer")
_SINCE = ("model", "model_id", "index_id", "prompt_tokens", "completion_tokens", "latency_s")
"""What a line of an earlier server does not say."""


def _kept(line: dict[str, Any]) -> dict[str, Any]:
    row = {name: line[name] for name in _ALWAYS} | {name: line.get(name) for name in _SINCE}
    row |= {"fields": content.canonical(line.get("fields") or {}), "passages": line.get("passages") or []}
    return row | {"served_at": datetime.fromisoformat(line["at"])}


def measured(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """What the kept answers took, a row for each release and name it was asked by: `number`, `model`, `answers`,
    `latency_s` (median), `prompt_tokens` and `completion_tokens` (means; None where the model does not tell)."""
    query = """
        select r.number, s.model, count(*) as answers, median(latency_s) as latency_s,
            avg(prompt_tokens) as prompt_tokens, avg(completion_tokens) as completion_tokens
        from served_answers as s join releases as r using (release_id) where s.task_id = ?
        group by all order by r.number desc, s.model
    """
    return database.rows(conn, query, [task_id])


def pool(conn: duckdb.DuckDBPyConnection, task_id: str) -> tuple[int, int]:
    """How many kept answers there are, and how many of them were not drawn yet."""
    query = "select count(*), count(*) filter (drawn_at is null) from served_answers where task_id = ?"
    found = conn.execute(query, [task_id]).fetchone()
    return (found[0], found[1]) if found else (0, 0)


def draw(conn: duckdb.DuckDBPyConnection, task_id: str, count: int, *, by: Person) -> EvalSet:
    """Make a version of the eval set “From production” from questions drawn at random, each drawn once.

    They have no reference yet: people rate the answers to them, or write the right ones. Earlier draws stay in.
    """
    roles.require(by, "eval_set.import")
    query = """
        select served_id, input, context, fields, drawn_at from served_answers where task_id = $task
        qualify drawn_at is not null
            or row_number() over (partition by drawn_at is null order by hash(served_id)) <= $count
        order by served_id
    """
    found = database.rows(conn, query, {"task": task_id, "count": count})
    new = [row["served_id"] for row in found if row["drawn_at"] is None]
    if not new:
        raise Refusal(N_("There is no kept answer that was not drawn yet. Keep a share of the answers first."))
    rows = [
        Row(
            key=one["served_id"],
            input=one["input"],
            context=one["context"],
            reference="",
            kind="practice",
            pair="",
            group_id=one["served_id"],
            split=None,
            critical=False,
            tags=("production",),
            line=line,
            fields=tuple(sorted(json.loads(one["fields"] or "{}").items())),
        )
        for line, one in enumerate(found, 1)
    ]
    saved = eval_sets.save(
        conn, by=by, task_id=task_id, name=POOL, rows=rows, scorer="overlap", shares=SHARES, note="From production"
    )
    with audit.change(conn, actor=by.person_id, act="served.drawn", subject=saved.eval_set_id) as detail:
        detail["answers"] = len(new)
        query = "update served_answers set drawn_at = ? where list_contains(?, served_id)"
        conn.execute(query, [database.now(), new])
    return saved
