"""Model versions: a local folder, an endpoint, or a base with an adapter; each with its file hashes and lineage."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import terms
from core.generation import addresses
from core.jobs import jobs
from core.locale.mark import N_
from core.store import audit, database

Kind = Literal["local", "api", "adapter"]
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One version. `path` is the model's folder, or the adapter's; an adapter names its base."""

    model_id: str
    name: str
    kind: Kind
    path: str = ""
    base_model_id: str | None = None
    base_url: str | None = None
    api_model: str | None = None
    key_env: str | None = None
    file_hashes: Mapping[str, str]
    lineage: Mapping[str, Any]


def check_folder(folder: Path) -> None:
    """Refuse a folder that a worker could not load, before anybody waits for one."""
    if not (folder / "config.json").is_file():
        raise Refusal(
            N_("There is no model in %(folder)s: it has no config.json. Give the folder that holds the model's files."),
            folder=folder,
        )
    if not list(folder.glob("*.safetensors")):
        raise Refusal(
            N_(
                "The model folder %(folder)s has no .safetensors weights. Save the model as safetensors; "
                "other formats can run code and are not loaded."
            ),
            folder=folder,
        )
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise Refusal(
            N_(
                "The model folder %(folder)s has no tokenizer. "
                "Copy tokenizer.json and tokenizer_config.json of the same model into it."
            ),
            folder=folder,
        )


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file that decides what the model says."""
    kept = (".safetensors", ".json", ".model", ".jinja", ".txt")
    return {path.name: content.file_digest(path) for path in sorted(folder.iterdir()) if path.suffix in kept}


def describe(folder: Path, name: str = "") -> Model:
    """A model folder as a version, not registered yet. Raises Refusal when a worker could not load it."""
    if HUB_ID.fullmatch(str(folder)) and not folder.is_dir():
        raise Refusal(
            N_(
                "“%(name)s” looks like a name on the Hugging Face hub. Fetch it under Name on a hub, or where the hub "
                "can be reached (hf download %(name)s --local-dir FOLDER), and give that folder."
            ),
            name=folder,
        )
    folder = folder.expanduser().resolve()
    check_folder(folder)
    with_hashes = hashes(folder)
    return Model(
        model_id=content.name("model", {"files": with_hashes, "folder": str(folder)}),
        name=name.strip() or folder.name,
        kind="local",
        path=str(folder),
        file_hashes=with_hashes,
        lineage={},
    )


def register_local(conn: duckdb.DuckDBPyConnection, *, by: Person, folder: Path, name: str = "") -> Model:
    """Add a model folder; the same files again are the same version. Raises Refusal when it cannot be loaded."""
    roles.require(by, "model.manage")
    return _register(conn, by, describe(folder, name))


def check_key(key_env: str) -> None:
    """Refuse what cannot be the name of an environment variable: it may be the key itself."""
    if key_env and not key_env.isidentifier():
        raise Refusal(
            N_(
                "Give the name of the environment variable that holds the key, such as OPENAI_API_KEY, "
                "not the key itself."
            )
        )


def register_api(
    conn: duckdb.DuckDBPyConnection, *, by: Person, name: str, base_url: str, api_model: str, key_env: str = ""
) -> Model:
    """Add a model behind an OpenAI-compatible endpoint. The key is only ever named, by its environment variable."""
    roles.require(by, "model.manage")
    base_url = addresses.check(base_url)
    if not api_model.strip():
        raise Refusal(N_("The endpoint needs a model name. Write it as the server lists it."))
    check_key(key_env)
    named = {"base_url": base_url.rstrip("/"), "api_model": api_model.strip()}
    model = Model(
        model_id=content.name("model", named),
        name=name.strip() or api_model,
        kind="api",
        key_env=key_env or None,
        file_hashes={},
        lineage={},
        **named,
    )
    return _register(conn, by, model)


def _register(conn: duckdb.DuckDBPyConnection, by: Person, model: Model) -> Model:
    if (known := find(conn, model.model_id)) is not None:
        if known.model_id in retired(conn):
            with audit.change(conn, actor=by.person_id, act="model.restored", subject=known.model_id):
                set_retired(conn, known.model_id, False, by.person_id)
        return known
    detail = {"name": model.name, "kind": model.kind}
    with audit.change(conn, actor=by.person_id, act="model.added", subject=model.model_id, detail=detail):
        insert(conn, model, by.person_id)
    return model


def fetch_starter(conn: duckdb.DuckDBPyConnection, *, by: Person) -> str:
    """Queue the fetching of the starter model; returns the job's id."""
    roles.require(by, "model.manage")
    job_id = uuid4().hex
    job = jobs.Job(
        job_id=job_id,
        kind="fetch",
        task_id=None,
        title=N_("Fetch the starter model"),
        values={},
        spec={},
        by=by.person_id,
    )
    with audit.change(conn, actor=by.person_id, act="model.fetch_started", subject=job_id):
        jobs.insert(conn, job)
    return job_id


def fetch_hub(conn: duckdb.DuckDBPyConnection, *, by: Person, repo: str) -> str:
    """Queue the fetching of a model that is named as on the hub, `owner/name`; returns the job's id."""
    roles.require(by, "model.manage")
    if not HUB_ID.fullmatch(repo):
        raise Refusal(N_("“%(name)s” is no name on a hub; they look like Qwen/Qwen2.5-0.5B-Instruct."), name=repo)
    job_id = uuid4().hex
    named: dict[str, Any] = {"job_id": job_id, "kind": "fetch", "task_id": None, "by": by.person_id}
    job = jobs.Job(**named, title=N_("Fetch %(repo)s from the hub"), values={"repo": repo}, spec={"repo": repo})
    with audit.change(conn, actor=by.person_id, act="model.fetch_started", subject=job_id, detail={"repo": repo}):
        jobs.insert(conn, job)
    return job_id


def insert(conn: duckdb.DuckDBPyConnection, model: Model, by: str) -> None:
    """The bare row, for a caller that is inside a change already."""
    database.insert(
        conn,
        "models",
        [
            {
                "model_id": model.model_id,
                "name": model.name,
                "kind": model.kind,
                "path": model.path,
                "base_model_id": model.base_model_id,
                "base_url": model.base_url,
                "api_model": model.api_model,
                "key_env": model.key_env,
                "file_hashes": content.canonical(dict(model.file_hashes)),
                "lineage": content.canonical(dict(model.lineage)),
                "created_by": by,
                "created_at": database.now(),
            }
        ],
    )


def find(conn: duckdb.DuckDBPyConnection, model_id: str) -> Model | None:
    row = database.row(conn, "select * exclude (created_by, created_at) from models where model_id = ?", [model_id])
    return _model(row) if row else None


def everything(conn: duckdb.DuckDBPyConnection) -> list[Model]:
    """All model versions, the oldest first."""
    query = "select * exclude (created_by, created_at) from models order by created_at"
    return [_model(row) for row in database.rows(conn, query)]


def offered(conn: duckdb.DuckDBPyConnection) -> list[Model]:
    """Those that can be chosen, the oldest first: all that are not retired."""
    gone = retired(conn)
    return [one for one in everything(conn) if one.model_id not in gone]


def retired(conn: duckdb.DuckDBPyConnection) -> set[str]:
    """The ids of the versions that are offered no more."""
    query = "select model_id from model_retirements group by model_id having arg_max(retired, retirement_id)"
    return {model_id for (model_id,) in conn.execute(query).fetchall()}


def set_retired(conn: duckdb.DuckDBPyConnection, model_id: str, gone: bool, by: str) -> None:
    """The bare row, for a caller that is inside a change already."""
    row = {"model_id": model_id, "retired": gone, "set_by": by, "set_at": database.now()}
    database.insert(conn, "model_retirements", [row])


def _model(row: dict[str, Any]) -> Model:
    return Model(**{**row, "file_hashes": json.loads(row["file_hashes"]), "lineage": json.loads(row["lineage"])})


def for_worker(conn: duckdb.DuckDBPyConnection, model: Model) -> dict[str, Any]:
    """What a generate job's spec says of the model: where it is, never a secret."""
    if model.kind == "api":
        named = {"base_url": model.base_url, "model": model.api_model, "key_env": model.key_env}
        way = {"structured": terms.structured(conn, model.model_id)}
        return {"kind": "api", **named, **way, **terms.of(conn, model.model_id).for_worker()}
    if model.kind == "local":
        return {"kind": "local", "path": model.path, "adapter": None}
    base = find(conn, model.base_model_id or "")
    if base is None:
        raise Refusal(N_("The base of the model “%(name)s” is not registered. Add it first."), name=model.name)
    return {"kind": "local", "path": base.path, "adapter": model.path}
