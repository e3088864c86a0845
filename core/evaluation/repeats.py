"""Answers to the same question, asked several times: do they come out the same?"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import duckdb

from core.diagnosis import intervals
from core.diagnosis.intervals import Rate
from core.evaluation import choices, eval_sets
from core.scoring import stability
from core.store import database

METRICS = ("stable", "same_text", "same_content")
"""Valid in all of them; the same to the letter; the same in what the scorer makes of them."""


def rates(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[tuple[str, str], Rate]:
    """(run id, metric) -> the share of samples, over those that every run answered several times without a failure.

    "stable" is left out where the scorer knows no format. The database puts samples with the same answers together, so
    that each set of answers is read once.
    """
    query = """
        with asked as (
            select run_id, sample_id, if(min(a.text) = max(a.text), [], list(a.text)) as unlike,
                if(count(c.value) = count(*), min(c.value) = 1, null) as valid
            from answers as a left join (select answer_id, value from scores where metric = 'valid') as c
            using (answer_id)
            where run_id in (select unnest($runs)) group by run_id, sample_id
            having count(*) > 1 and count(a.failure) = 0
        ), shared as (
            select sample_id from asked group by sample_id having count(*) = len($runs)
        )
        select run_id, r.eval_set_id, unlike, valid, count(*) as samples
        from asked join shared using (sample_id) join runs as r using (run_id) group by all
    """
    rows = database.rows(conn, query, {"runs": list(run_ids)}) if run_ids else []
    sets = [eval_sets.find(conn, one) for one in {row["eval_set_id"] for row in rows}]
    scorers = {one.eval_set_id: choices.of_set(conn, one) for one in sets if one is not None}
    known: dict[tuple[Any, ...], bool] = {}
    yes, of = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in rows:
        told = (row["eval_set_id"], *sorted(set(row["unlike"])))
        if told not in known:
            measured = stability.measure(scorers[row["eval_set_id"]], told[1:])
            known[told] = measured is None or measured.parsed  # texts that are the same are the same content
        found = {"stable": row["valid"], "same_text": not row["unlike"], "same_content": known[told]}
        for metric, value in found.items():
            if value is not None:
                of[row["run_id"], metric] += row["samples"]
                yes[row["run_id"], metric] += row["samples"] * value
    return {key: intervals.rate(yes[key], n) for key, n in of.items()}
