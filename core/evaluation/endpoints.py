"""Endpoints that are registered already: a wrong key name is corrected, another address is another version."""

from contextlib import suppress

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import models, retirements, terms
from core.evaluation.models import Model
from core.evaluation.terms import Terms
from core.generation import addresses
from core.locale.mark import N_
from core.store import audit


def correct(
    conn: duckdb.DuckDBPyConnection, *, by: Person, model_id: str, base_url: str, api_model: str, key_env: str = ""
) -> Model:
    """The endpoint as it is reached from now on.

    Only the name of its key is changed in place. With another address or model name it would be another model to
    those who read its answers, so that is added as a version of its own, under the same name and with the same terms,
    unless it is there already; the one before stays with what it answered, or is retired if nothing was asked of it.
    """
    roles.require(by, "model.manage")
    model = models.find(conn, model_id)
    if model is None or model.kind != "api":
        raise Refusal(N_("Only an endpoint can be corrected. A folder with other files is added as a new model."))
    models.check_key(key_env)
    address = addresses.check(base_url).rstrip("/")
    if (address, api_model.strip()) != (model.base_url, model.api_model):
        named = {"name": model.name, "base_url": address, "api_model": api_model, "key_env": key_env}
        other = models.register_api(conn, by=by, **named)
        if terms.of(conn, other.model_id) == Terms():
            terms.agree(conn, by=by, model_id=other.model_id, terms=terms.of(conn, model_id))
        if not retirements.used(conn, model_id):
            with suppress(Refusal):  # a job waits for it
                retirements.retire(conn, by=by, model_id=model_id)
        return other
    if (key_env or None) != model.key_env:
        detail = {"key_env": key_env or None, "before": model.key_env}
        with audit.change(conn, actor=by.person_id, act="model.corrected", subject=model_id, detail=detail):
            conn.execute("update models set key_env = ? where model_id = ?", [key_env or None, model_id])
    return models.find(conn, model_id) or model
