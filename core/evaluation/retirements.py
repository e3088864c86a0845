"""Model versions that are offered no more, and those brought back. What they answered, and their names, stay."""

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import models
from core.evaluation.models import Model
from core.jobs import jobs
from core.locale.mark import N_
from core.store import audit, database


def everything(conn: duckdb.DuckDBPyConnection) -> list[Model]:
    """The retired versions, the oldest first."""
    there = models.retired(conn)
    return [one for one in models.everything(conn) if one.model_id in there]


def retire(conn: duckdb.DuckDBPyConnection, *, by: Person, model_id: str) -> None:
    """Offer the version no more. Raises Refusal while a job needs it, a release serves it, or an adapter builds on it.

    Nothing is deleted: runs, answers and releases name it as before.
    """
    roles.require(by, "model.manage")
    model = _known(conn, model_id)
    if model_id in models.retired(conn):
        return
    if _awaited(conn, model_id):
        raise Refusal(N_("A job waits for “%(name)s” or is using it. Wait for its end, or stop it."), name=model.name)
    if alias := _served(conn, model_id):
        raise Refusal(
            N_("“%(name)s” is in the release that %(alias)s points to. Move that to another release first."),
            name=model.name,
            alias=alias,
        )
    built = [one.name for one in models.offered(conn) if one.base_model_id == model_id]
    if built:
        raise Refusal(
            N_("“%(name)s” is the base of %(built)s. Retire what was trained on it first."),
            name=model.name,
            built=", ".join(built[:5]),
        )
    _set(conn, by, model, retired=True)


def restore(conn: duckdb.DuckDBPyConnection, *, by: Person, model_id: str) -> None:
    """Offer a retired version again, and the base that it needs."""
    roles.require(by, "model.manage")
    model = _known(conn, model_id)
    if model_id not in models.retired(conn):
        return
    if model.base_model_id:
        restore(conn, by=by, model_id=model.base_model_id)
    _set(conn, by, model, retired=False)


def used(conn: duckdb.DuckDBPyConnection, model_id: str) -> bool:
    """Whether the version was ever asked anything."""
    return database.row(conn, "select run_id from runs where model_id = ? limit 1", [model_id]) is not None


def _known(conn: duckdb.DuckDBPyConnection, model_id: str) -> Model:
    model = models.find(conn, model_id)
    if model is None:
        raise Refusal(N_("There is no such model. Look at the list again."))
    return model


def _set(conn: duckdb.DuckDBPyConnection, by: Person, model: Model, *, retired: bool) -> None:
    act = "model.retired" if retired else "model.restored"
    with audit.change(conn, actor=by.person_id, act=act, subject=model.model_id, detail={"name": model.name}):
        models.set_retired(conn, model.model_id, retired, by.person_id)


def _awaited(conn: duckdb.DuckDBPyConnection, model_id: str) -> bool:
    query = """
        select count(*) from jobs where list_contains($open, state)
            and (contains(spec::text, $model) or job_id in (select job_id from runs where model_id = $model))
    """
    found = conn.execute(query, {"open": list(jobs.OPEN), "model": model_id}).fetchone()
    return bool(found and found[0])


def _served(conn: duckdb.DuckDBPyConnection, model_id: str) -> str | None:
    """The alias of a release that needs the model, as `task@alias`, if there is one."""
    query = """
        select a.task_id || '@' || a.alias from aliases as a join releases as r using (release_id)
        where r.manifest -> 'model' ->> 'model_id' = ? order by all limit 1
    """
    found = conn.execute(query, [model_id]).fetchone()
    return str(found[0]) if found else None
