"""Around a release in use: keys for business systems, what is kept of their questions, for how long, and the pool."""

import json
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from core import content
from core.access import roles, sessions
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import eval_sets
from core.evaluation.eval_sets import EvalSet
from core.intake.importing import Row, Split
from core.locale.mark import N_
from core.release import publishing
from core.settings import Settings
from core.store import audit, database

POOL = "From production"
SHARES: dict[Split, float] = {"dev": 1.0, "train": 0.0, "gate": 0.0, "retain": 0.0}

SHORTEST_MONTHS, LONGEST_MONTHS = 6, 120
"""Records of what an AI has answered are kept for half a year at least (EU AI Act, Art. 19 and 26)."""

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a task's questions and answers: this share (0..1), for so many months, or for good (None)."""

    share: float = 0.0
    months: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise Refusal(N_("The share that is kept lies between 0 and 100 percent."))
        if self.months is not None and not SHORTEST_MONTHS <= self.months <= LONGEST_MONTHS:
            raise Refusal(
                N_("Questions and answers are kept for %(least)s to %(most)s months, or for good."),
                least=SHORTEST_MONTHS,
                most=LONGEST_MONTHS,
            )


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


def keep(conn: duckdb.DuckDBPyConnection, settings: Settings, task_id: str, kept: Kept, *, by: Person) -> None:
    """Keep so much from the next question on; how long counts for what is kept already, too. At first nothing is."""
    roles.require(by, "serving.manage")
    detail = {"share": kept.share, "months": kept.months}
    with audit.change(conn, actor=by.person_id, act="serving.share_set", subject=task_id, detail=detail):
        found = conn.execute("select count(*) + 1 from serving_terms where task_id = ?", [task_id]).fetchone()
        assert found is not None
        row = {"task_id": task_id, "version": found[0], "logged_share": kept.share, "kept_months": kept.months}
        database.insert(conn, "serving_terms", [{**row, "set_by": by.person_id, "set_at": database.now()}])
    publishing.publish(conn, settings)


def kept(conn: duckdb.DuckDBPyConnection, task_id: str) -> Kept:
    """What is kept now."""
    query = "select logged_share, kept_months from serving_terms where task_id = ? order by version desc limit 1"
    row = database.row(conn, query, [task_id])
    return Kept(share=row["logged_share"], months=row["kept_months"]) if row else Kept()


def look_after(conn: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Take in what the server has kept, and forget what has been kept long enough; called now and then."""
    take_in(conn, settings)
    forget(conn)


def forget(conn: duckdb.DuckDBPyConnection) -> int:
    """Delete questions and answers older than their task keeps them; returns how many. The trail says how many, too.

    Those that were drawn are samples of an eval set by now, and stay.
    """
    query = """
        with terms as (
            select task_id, arg_max(coalesce(kept_months, 0), version) as months from serving_terms group by task_id
        )
        select task_id, months, $today::date - to_months(months) as before, count(*) as answers
        from served_answers join terms using (task_id)
        where months > 0 and served_at < before and drawn_at is null group by all order by task_id
    """
    found = database.rows(conn, query, {"today": database.now().date()})
    for row in found:
        detail = {"answers": row["answers"], "before": f"{row['before']:%Y-%m-%d}", "months": row["months"]}
        with audit.change(conn, actor="system", act="served.forgotten", subject=row["task_id"], detail=detail):
            query = "delete from served_answers where task_id = ? and served_at < ? and drawn_at is null"
            conn.execute(query, [row["task_id"], row["before"]])
    return sum(row["answers"] for row in found)


def take_in(conn: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Bring what the server has kept into the database; returns how many are new. Twice changes nothing.

    Files of earlier days are deleted then, so that the database alone says what is kept.
    """
    with _one_at_a_time:
        files = sorted((settings.data / "served").glob("*.jsonl"))
        new: dict[str, dict[str, Any]] = {}
        for path in files:
            for text in path.read_text("utf-8").splitlines():
                try:
                    row = _kept(json.loads(text))
                except (ValueError, KeyError):
                    continue  # half a line, cut by a kill
                new[row["served_id"]] = row
        query = "select served_id from served_answers where served_id in (select unnest(?::varchar[]))"
        for (known,) in conn.execute(query, [list(new)]).fetchall():
            del new[known]
        if new:
            detail = {"answers": len(new)}
            with audit.change(conn, actor="system", act="served.taken_in", subject="served", detail=detail):
                database.insert(conn, "served_answers", list(new.values()))
        yesterday = f"{database.now() - timedelta(days=1):%Y%m%d}.jsonl"
        for path in files:
            if path.name < yesterday:  # an answer begun before midnight may still be written into yesterday's
                path.unlink()
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
