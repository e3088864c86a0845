"""Releases: signed bundles, and which of them answers. An alias moves only by a signature, and one move wins."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Literal

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.release import bundles, bundling, evidence, publishing, sign_offs, signatures, smoke
from core.release.bundles import Bundle
from core.release.sign_offs import SignOff
from core.release.signatures import Signing
from core.release.smoke import Smoke
from core.settings import Settings
from core.store import audit, database

Alias = Literal["production", "candidate"]
ALIASES: tuple[Alias, ...] = ("production", "candidate")

MOVED = N_("Somebody else has moved “%(alias)s” in the meantime. Reload the page and look again.")


def form(task_id: str, alias: Alias, what: str, expected: str | None) -> str:
    """The digest of a move: which alias from which release to what."""
    return content.digest({"task": task_id, "alias": alias, "to": what, "from": expected})


def current(conn: duckdb.DuckDBPyConnection, task_id: str, alias: Alias) -> dict[str, Any] | None:
    """The release that the alias points at, with `number`, `moved_at`, `moved_by`, `signed_by` (printed name), and
    the `model_id` and `model` (its name) that answer; None before the first."""
    query = """
        select r.*, a.moved_at, a.moved_by, a.kind, a.move, r.manifest -> 'model' ->> 'model_id' as model_id,
            r.manifest -> 'model' ->> 'name' as model, g.printed_name as signed_by
        from aliases as a join releases as r using (release_id)
        join signatures as g on g.kind = 'release' and g.subject = a.task_id || '/' || a.alias || '/' || a.move
        where a.task_id = ? and a.alias = ?
    """
    return database.row(conn, query, [task_id, alias])


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The task's releases, the newest first, `manifest` as a dict."""
    found = database.rows(conn, "select * from releases where task_id = ? order by number desc", [task_id])
    return [{**row, "manifest": json.loads(row["manifest"])} for row in found]


def moves(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """Every move of the task's aliases, the newest first, with the `number` of the release and its signature."""
    query = """
        select a.*, r.number, g.printed_name, g.signed_at, g.local_time, g.meaning
        from alias_moves as a join releases as r using (release_id)
        join signatures as g on g.kind = 'release' and g.subject = a.task_id || '/' || a.alias || '/' || a.move
        where a.task_id = ? order by a.moved_at desc
    """
    return database.rows(conn, query, [task_id])


def releasable(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[SignOff]:
    """Sign-offs that let something through and still hold, the newest first."""
    return [
        case
        for case in sign_offs.of_task(conn, task_id)
        if sign_offs.state(conn, case) in sign_offs.RELEASABLE and not sign_offs.stale(conn, case)
    ]


def release(
    conn: duckdb.DuckDBPyConnection,
    settings: Settings,
    sign_off_id: str,
    alias: Alias,
    signing: Signing,
    *,
    by: Person,
    expected: str | None,
) -> str:
    """Make the bundle of a signed decision and point the alias at it; returns the release's id.

    `expected` is the release that the alias pointed at when the form was opened. Raises Refusal when nobody approved
    it, when the sign-off is stale, when a model file was altered, or when the alias was moved meanwhile.
    """
    roles.require(by, "release.move")
    case = sign_offs.find(conn, sign_off_id)
    if case is None or sign_offs.state(conn, case) not in sign_offs.RELEASABLE:
        raise Refusal(N_("Nobody has approved this, so it cannot be released. See Release, Sign-off."))
    if sign_offs.lapsed(conn, case):
        raise Refusal(N_("This sign-off does not hold any more. See Release, Sign-off for what has changed."))
    if differing := evidence.damaged(conn, case.trial_id):
        raise Refusal(
            N_("Model files have changed since they were tested (%(files)s). Restore them, or test again."),
            files=", ".join(differing[:5]),
        )
    bound = form(case.task_id, alias, sign_off_id, expected)
    signer = signatures.authenticate(
        conn, signing, "release.move", by=by, subject=f"release:{sign_off_id}", digest=bound
    )
    row = bundling.make(conn, settings, case)
    _move(conn, settings, row, alias, signing, signer, expected=expected, kind="released", bound=bound)
    return str(row["release_id"])


def roll_back(
    conn: duckdb.DuckDBPyConnection,
    settings: Settings,
    release_id: str,
    alias: Alias,
    signing: Signing,
    *,
    by: Person,
    expected: str | None,
    trying: Callable[[Bundle], Smoke] = smoke.check,
) -> Smoke:
    """Point the alias at an earlier release again; returns how it did on its check questions.

    Every byte of it and of its base is read, and its check questions are asked, before anything moves. Raises Refusal
    when the bundle is damaged or cannot answer, when the alias never pointed at it, or as `release` does.
    """
    roles.require(by, "release.move")
    row = database.row(conn, "select * from releases where release_id = ?", [release_id])
    query = "select 1 as one from alias_moves where release_id = ? and alias = ?"
    if row is None or database.row(conn, query, [release_id, alias]) is None:
        raise Refusal(N_("“%(alias)s” never pointed at this release, so there is no way back to it."), alias=alias)
    bundle = bundles.read(publishing.folder_of(settings) / release_id, row["digest"])
    bundles.check_base(bundle)
    bound = form(row["task_id"], alias, release_id, expected)
    signer = signatures.authenticate(
        conn, signing, "release.move", by=by, subject=f"release:{release_id}", digest=bound
    )
    tried = trying(bundle)
    row = {**row, "manifest": json.loads(row["manifest"])}
    _move(conn, settings, row, alias, signing, signer, expected=expected, kind="rolled_back", bound=bound, tried=tried)
    return tried


def _move(
    conn: duckdb.DuckDBPyConnection,
    settings: Settings,
    row: Mapping[str, Any],
    alias: Alias,
    signing: Signing,
    signer: Person,
    *,
    expected: str | None,
    kind: Literal["released", "rolled_back"],
    bound: str,
    tried: Smoke | None = None,
) -> None:
    task_id, release_id = row["task_id"], row["release_id"]
    with audit.change(conn, actor=signer.person_id, act=f"release.{kind}", subject=release_id) as detail:
        now = current(conn, task_id, alias)
        if (now["release_id"] if now else None) != expected:
            raise Refusal(MOVED, alias=alias)
        if expected == release_id:
            raise Refusal(N_("“%(alias)s” points at this release already."), alias=alias)
        if database.row(conn, "select 1 as one from releases where release_id = ?", [release_id]) is None:
            numbered = conn.execute("select count(*) + 1 from releases where task_id = ?", [task_id]).fetchone()
            assert numbered is not None
            kept = {**row, "manifest": content.canonical(row["manifest"]), "number": numbered[0]}
            database.insert(conn, "releases", [kept | {"created_by": signer.person_id, "created_at": database.now()}])
        move = (now["move"] if now else 0) + 1
        written: dict[str, Any] = {"task_id": task_id, "alias": alias, "move": move, "release_id": release_id}
        written |= {"previous_release_id": expected, "reason": signing.reason.strip(), "kind": kind}
        database.insert(conn, "alias_moves", [{**written, "moved_by": signer.person_id, "moved_at": database.now()}])
        detail |= {"alias": alias, "move": move, "from": expected, "digest": row["digest"]}
        detail |= {"smoke": asdict(tried)} if tried else {}
        detail["signature"] = signatures.insert(
            conn,
            signing,
            signer,
            kind="release",
            subject=f"{task_id}/{alias}/{move}",
            digest=bound,
            meaning=kind,
            independent=True,
        )
    publishing.publish(conn, settings)


def check_questions(settings: Settings, release_id: str) -> list[dict[str, Any]]:
    """What a way back to the release asks first, as `Bundle.smoke` gives it; none where the bundle cannot be read."""
    path = publishing.folder_of(settings) / release_id / bundles.SMOKE
    return bundles.questions(path) if path.is_file() else []


def sign_off_of(conn: duckdb.DuckDBPyConnection, release_id: str) -> str:
    """The sign-off that let the release through."""
    row = database.row(conn, "select sign_off_id from releases where release_id = ?", [release_id])
    return str(row["sign_off_id"]) if row else ""
