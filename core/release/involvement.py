"""Who cannot be the only approver: who asked for it, trained what is in the model, or gave most of the ratings."""

import duckdb

from core.release import labels, plans
from core.store import database
from core.training import trials


def of(conn: duckdb.DuckDBPyConnection, trial_id: str, requested_by: str) -> dict[str, tuple[str, ...]]:
    """Person -> why: `requester`, `trainer` (who put up a candidate counts as one), `main_rater`."""
    trial, plan = trials.find(conn, trial_id), plans.current(conn, trial_id)
    if trial is None or plan is None:
        raise LookupError("A sign-off has a trial and a plan.")
    said = labels.given(conn, trial_id, plan["terms"].labels, plan["terms"])
    why = {
        "requester": {requested_by},
        "trainer": {trial["created_by"], *trainers(conn, trial["model_id"])},
        "main_rater": {rater for rater, share in said.shares.items() if share > labels.MAIN_RATER},
    }
    people = sorted(set().union(*why.values()))
    return {person: tuple(reason for reason, theirs in why.items() if person in theirs) for person in people}


def trainers(conn: duckdb.DuckDBPyConnection, model_id: str | None) -> list[str]:
    """Who started a training that is in the model, be it long before this trial."""
    query = """
        select distinct t.created_by from learned_through as l join models as m on m.model_id = l.learned_by
        join trials as t on t.trial_id = m.lineage ->> 'trial_id' where l.model_id = ?
        order by t.created_by
    """
    return [row["created_by"] for row in database.rows(conn, query, [model_id])]
