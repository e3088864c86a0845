"""Releases: signed bundles, and which of them answers. An alias moves only by a signature, and one move wins."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import eval_sets, models, prompts, tasks
from core.locale.mark import N_
from core.release import bundles, evidence, sign_offs, signatures
from core.release.sign_offs import SignOff
from core.release.signatures import Signing
from core.settings import Settings
from core.store import audit, database
from core.training import trials

Alias = Literal["production", "candidate"]
ALIASES: tuple[Alias, ...] = ("production", "candidate")
SMOKE = 3

MOVED = N_("Somebody else has moved “%(alias)s” in the meantime. Reload the page and look again.")


def folder_of(settings: Settings) -> Path:
    """Where bundles lie, with `aliases.json` and `keys.json` beside them for the server."""
    return settings.data / "releases"


def form(task_id: str, alias: Alias, what: str, expected: str | None) -> str:
    """The digest of a move: which alias from which release to what."""
    return content.digest({"task": task_id, "alias": alias, "to": what, "from": expected})


def current(conn: duckdb.DuckDBPyConnection, task_id: str, alias: Alias) -> dict[str, Any] | None:
    """The release that the alias points at, with `moved_at`, `moved_by` and `number`; None before the first."""
    query = """
        select r.*, a.moved_at, a.moved_by, a.kind, a.move from aliases as a join releases as r using (release_id)
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
    if sign_offs.stale(conn, case):
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
    row = _bundle(conn, settings, case)
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
) -> None:
    """Point the alias at an earlier release again. Every byte of it and of its base is checked first.

    Raises Refusal when the bundle is damaged, when the alias never pointed at it, or as `release` does.
    """
    roles.require(by, "release.move")
    row = database.row(conn, "select * from releases where release_id = ?", [release_id])
    query = "select 1 as one from alias_moves where release_id = ? and alias = ?"
    if row is None or database.row(conn, query, [release_id, alias]) is None:
        raise Refusal(N_("“%(alias)s” never pointed at this release, so there is no way back to it."), alias=alias)
    bundles.check_base(bundles.read(folder_of(settings) / release_id, row["digest"]))
    bound = form(row["task_id"], alias, release_id, expected)
    signer = signatures.authenticate(
        conn, signing, "release.move", by=by, subject=f"release:{release_id}", digest=bound
    )
    row = {**row, "manifest": json.loads(row["manifest"])}
    _move(conn, settings, row, alias, signing, signer, expected=expected, kind="rolled_back", bound=bound)


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
    publish(conn, settings)


def _bundle(conn: duckdb.DuckDBPyConnection, settings: Settings, case: SignOff) -> dict[str, Any]:
    trial, task = trials.find(conn, case.trial_id), tasks.find(conn, case.task_id)
    if trial is None or task is None:
        raise LookupError("A sign-off has a trial and a task.")
    base, tuned = models.find(conn, trial["base_model_id"]), models.find(conn, trial["model_id"])
    prompt, eval_set = prompts.find(conn, trial["prompt_id"]), eval_sets.find(conn, trial["eval_set_id"])
    run = database.row(
        conn,
        "select decoding from runs where trial_id = ? and purpose = 'proof' and split = 'gate' and side = 'after'",
        [case.trial_id],
    )
    if base is None or tuned is None or prompt is None or eval_set is None or run is None:
        raise LookupError("A trial with a proof has its models, its prompt and its runs.")
    manifest = {
        "format": bundles.FORMAT,
        "task": {"task_id": task.task_id, "name": dict(task.name)},
        "sign_off": {
            "sign_off_id": case.sign_off_id,
            "number": case.number,
            "digest": case.digest,
            "evidence": case.evidence,
            "state": sign_offs.state(conn, case),
            "scope": case.scope,
            "expires_on": str(case.expires_on),
            "signatures": [signatures.shown(one) for one in signatures.of(conn, "sign_off", case.sign_off_id)],
        },
        "prompt": {"prompt_id": prompt.prompt_id, "name": prompt.name},
        "model": {
            "kind": tuned.kind,
            "model_id": tuned.model_id,
            "name": tuned.name,
            "base": base.path,
            "base_files": dict(base.file_hashes),
            "adapter": True,
        },
        "decoding": json.loads(run["decoding"]),
        "schema": dict(eval_set.schema) if eval_set.schema else None,
        "index": None,
        "judge": None,
    }
    release_id = content.name("release", manifest)
    digest = bundles.write(
        folder_of(settings) / release_id,
        manifest,
        prompt=asdict(prompt),
        smoke=_smoke(conn, case.trial_id),
        adapter=Path(tuned.path),
    )
    row = {"release_id": release_id, "task_id": task.task_id, "sign_off_id": case.sign_off_id}
    return {**row, "manifest": manifest, "digest": digest}


def _smoke(conn: duckdb.DuckDBPyConnection, trial_id: str) -> list[dict[str, str]]:
    """Dev samples only: what is in a bundle is not locked any more."""
    query = """
        select p.input, p.context, a.text as answer from runs as r join answers as a using (run_id)
        join samples as p using (sample_id)
        where r.trial_id = ? and r.purpose = 'proof' and r.split = 'dev' and r.side = 'after' and a.text is not null
            and a.repeat = 0
        order by p.key limit ?
    """
    return database.rows(conn, query, [trial_id, SMOKE])


def publish(conn: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Tell the server, by a file, where each alias points and which keys count.

    Called after every move and at start-up: a kill between the two leaves an old file for that long only.
    """
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


def sign_off_of(conn: duckdb.DuckDBPyConnection, release_id: str) -> str:
    """The sign-off that let the release through."""
    row = database.row(conn, "select sign_off_id from releases where release_id = ?", [release_id])
    return str(row["sign_off_id"]) if row else ""


def inventory(conn: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Everything in use: `task` (bilingual), `owner`, `alias`, `number`, `model`, `prompt`, who signed and until when.

    `holds` tells whether the sign-off still matches what was signed and has not expired.
    """
    query = """
        select a.task_id, a.alias, r.number, r.sign_off_id, r.release_id, t.name, t.created_by as owner,
            r.manifest -> 'model' ->> 'name' as model, r.manifest -> 'prompt' ->> 'name' as prompt
        from aliases as a join releases as r using (release_id) join tasks as t on t.task_id = a.task_id
        order by t.created_at, a.alias desc
    """
    found = []
    for row in database.rows(conn, query):
        case = sign_offs.find(conn, row["sign_off_id"])
        assert case is not None, "a release has its sign-off"
        signed = signatures.of(conn, "sign_off", case.sign_off_id)
        row |= {"task": json.loads(row.pop("name")), "purpose": case.scope, "expires_on": case.expires_on}
        row |= {"signed_by": [one["printed_name"] for one in signed], "signed_at": signed[-1]["signed_at"]}
        found.append({**row, "state": sign_offs.state(conn, case), "holds": not sign_offs.stale(conn, case)})
    return found


def slug(name: Mapping[str, str], task_id: str) -> str:
    """What business systems call the task: its English name in small letters with its id's tail, which is unique."""
    words = re.sub(r"[^a-z0-9]+", "-", name.get("en", "").lower()).strip("-")
    return f"{words or 'task'}-{task_id[-4:]}"
