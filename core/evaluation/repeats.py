"""Answers to the same question, asked several times: do they come out the same?"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import duckdb

from core.evaluation import choices, eval_sets
from core.scoring import stability
from core.store import database

METRICS = ("stable", "same_text", "same_content")
"""Valid in all of them; the same to the letter; the same in what the scorer makes of them."""


def scores(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    """run id -> metric -> sample id -> 1 or 0, for samples with several answers and no failed call among them.

    "stable" is left out where the scorer knows no format.
    """
    query = """
        select r.eval_set_id, a.run_id, a.sample_id, list(a.text order by a.text) as texts,
            list(c.value order by a.text) as valid
        from answers as a join runs as r using (run_id)
        left join scores as c on c.answer_id = a.answer_id and c.metric = 'valid'
        where list_contains($runs, a.run_id) group by all having count(*) > 1 and count(a.failure) = 0
    """
    rows = database.rows(conn, query, {"runs": list(run_ids)}) if run_ids else []
    sets = [eval_sets.find(conn, one) for one in {row["eval_set_id"] for row in rows}]
    scorers = {one.eval_set_id: choices.of_set(conn, one) for one in sets if one is not None}
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    known: dict[tuple[Any, ...], stability.Stability | None] = {}
    for row in rows:
        same = (row["eval_set_id"], *row["texts"], *row["valid"])  # few answers are possible where many are stable
        if same not in known:
            known[same] = stability.measure(scorers[row["eval_set_id"]], row["texts"], row["valid"])
        measured = known[same]
        assert measured is not None, "one answer alone was not asked for"
        for metric, value in zip(METRICS, (measured.valid, measured.raw, measured.parsed), strict=True):
            if value is not None:
                found[row["run_id"]][metric][row["sample_id"]] = float(value)
    return {run_id: dict(metrics) for run_id, metrics in found.items()}
