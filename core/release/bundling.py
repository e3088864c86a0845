"""From a signed decision to its bundle: what a release is made of, put together once."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from core import content
from core.evaluation import eval_sets, models, prompts, rendering, retrieving, tasks, terms
from core.evaluation.models import Model
from core.knowledge import indexes
from core.knowledge.indexes import Index
from core.release import aids, bundles, enclosures, publishing, sign_offs, signatures
from core.release.sign_offs import SignOff
from core.settings import Settings
from core.store import database
from core.training import trials

SMOKE = 3
"""Check questions in a bundle from dev, and from the retain samples of each set, at most."""


def make(conn: duckdb.DuckDBPyConnection, settings: Settings, case: SignOff) -> dict[str, Any]:
    """The bundle's folder; returns its row: `release_id`, `task_id`, `sign_off_id`, `manifest`, `digest`."""
    trial, task = trials.find(conn, case.trial_id), tasks.find(conn, case.task_id)
    if trial is None or task is None:
        raise LookupError("A sign-off has a trial and a task.")
    tuned = models.find(conn, trial["model_id"])
    base = _base(conn, tuned)
    prompt, eval_set = prompts.find(conn, trial["prompt_id"]), eval_sets.find(conn, trial["eval_set_id"])
    run = database.row(
        conn,
        "select decoding from runs where trial_id = ? and purpose = 'proof' and split = 'gate' and side = 'after'",
        [case.trial_id],
    )
    if base is None or tuned is None or prompt is None or eval_set is None or run is None:
        raise LookupError("A trial with a proof has its models, its prompt and its runs.")
    used = retrieving.of_prompt(aids.retrieval(conn, case.trial_id), prompt)
    index = indexes.find(conn, used.index_id) if used else None
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
        "model": _model(conn, tuned, base),
        "decoding": json.loads(run["decoding"]),
        "schema": prompts.answer_schema(prompt, eval_set),
        "index": _index(conn, index, used.k) if index and used else None,
        "judge": case.judges or None,
    }
    release_id = content.name("release", manifest)
    digest = bundles.write(
        publishing.folder_of(settings) / release_id,
        manifest,
        prompt=rendering.frame(prompt),
        smoke=_smoke(conn, case.trial_id, prompt.prompt_id, tuned.model_id),
        adapter=Path(tuned.path) if tuned.kind == "adapter" else None,
        enclose=_enclosed(conn, settings, index) if index else None,
    )
    row = {"release_id": release_id, "task_id": task.task_id, "sign_off_id": case.sign_off_id}
    return {**row, "manifest": manifest, "digest": digest}


def _model(conn: duckdb.DuckDBPyConnection, model: Model, base: Model) -> dict[str, Any]:
    """Where it is and what it consists of; of an endpoint the address, the name of the variable with its key, and how
    many seconds it has for an answer."""
    named: dict[str, Any] = {"kind": model.kind, "model_id": model.model_id, "name": model.name}
    if model.kind == "api":
        named |= {"base_url": model.base_url, "api_model": model.api_model, "key_env": model.key_env}
        return named | {"deadline_s": terms.of(conn, model.model_id).deadline_s}
    own = base if model.kind == "adapter" else model
    return named | {"base": own.path, "base_files": dict(own.file_hashes), "adapter": model.kind == "adapter"}


def _index(conn: duckdb.DuckDBPyConnection, index: Index, k: int) -> dict[str, Any]:
    """Which version is enclosed, what it was made from, and how many passages a question is shown."""
    made_of = [{name: one[name] for name in ("name", "document_id")} for one in indexes.of_index(conn, index)]
    return {"index_id": index.index_id, "k": k, "passages": index.passages, "documents": made_of}


def _enclosed(conn: duckdb.DuckDBPyConnection, settings: Settings, index: Index) -> Callable[[Path], None]:
    def write(bundle: Path) -> None:
        passages = (asdict(one) for document in index.documents for one in indexes.of_document(conn, document))
        enclosures.write(bundle, indexes.folder(conn, settings, index), passages)

    return write


def _base(conn: duckdb.DuckDBPyConnection, model: Model | None) -> Model | None:
    return models.find(conn, model.base_model_id) if model and model.base_model_id else model


def _smoke(conn: duckdb.DuckDBPyConnection, trial_id: str, prompt_id: str, model_id: str) -> list[dict[str, Any]]:
    """Questions that this very model has answered in the proof: some of dev, and some of what must not break.

    Retain samples of another set were asked with a prompt of that set, which stands beside the question as `asked`.
    Never of gate: what is in a bundle is not locked any more, and a gate sample that is known proves nothing.
    """
    query = """
        select p.key, r.split, s.name as eval_set, r.eval_set_id, r.prompt_id, p.input, p.context, p.fields,
            a.text as answer
        from runs as r join answers as a using (run_id) join samples as p using (sample_id)
        join eval_sets as s on s.eval_set_id = r.eval_set_id
        where r.trial_id = $trial and r.purpose = 'proof' and r.split in ('dev', 'retain') and r.side = 'after'
            and r.model_id = $model and a.text is not null and a.repeat = 0
        qualify row_number() over (partition by r.split, r.eval_set_id order by p.key) <= $most
        order by r.split, r.prompt_id <> $prompt, eval_set, p.key
    """
    found = []
    for row in database.rows(conn, query, {"trial": trial_id, "prompt": prompt_id, "model": model_id, "most": SMOKE}):
        set_id, asked_with = row.pop("eval_set_id"), row.pop("prompt_id")
        row |= {"fields": json.loads(row["fields"]) if row["fields"] else {}}
        found.append(row if asked_with == prompt_id else row | {"asked": _asked(conn, asked_with, set_id)})
    return found


def _asked(conn: duckdb.DuckDBPyConnection, prompt_id: str, eval_set_id: str) -> dict[str, Any]:
    prompt, eval_set = prompts.find(conn, prompt_id), eval_sets.find(conn, eval_set_id)
    if prompt is None or eval_set is None:
        raise LookupError("A run has its prompt and its set.")
    return {"prompt": rendering.frame(prompt), "schema": prompts.answer_schema(prompt, eval_set)}
