"""Which scorer counts for an eval set now: the one chosen last, or the one it was made with."""

import json

import duckdb

from core.evaluation.eval_sets import EvalSet
from core.scoring import scorers
from core.scoring.scorers import Scorer
from core.store import database


def of_set(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet) -> Scorer:
    """The scorer that counts for the set now."""
    query = """
        select definition from scorer_choices join scorers using (scorer_id) where eval_set_id = ?
        order by choice_id desc limit 1
    """
    row = database.row(conn, query, [eval_set.eval_set_id])
    return scorers.read(json.loads(row["definition"]) if row else eval_set.scorer)
