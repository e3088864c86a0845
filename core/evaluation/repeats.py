"""Answers to the same question, asked several times: do they come out the same?"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from core.diagnosis import intervals
from core.diagnosis.intervals import Rate
from core.evaluation import current_scorers, eval_sets
from core.scoring import stability
from core.store import database

METRICS = ("stable", "same_text", "same_content")
"""Valid in all of them; the same to the letter; the same in what the scorer makes of them."""


def rates(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[tuple[str, str], Rate]:
    """(run id, metric) -> the share of samples, over those that every run answered several times without a failure.

    "stable" is left out where the scorer knows no format.
    """
    if not run_ids:
        return {}
    asked = {"runs": list(run_ids)}
    late = "select unnest($runs) except select run_id from summed_runs"
    with database.offered(conn, of_samples(conn, [run_id for (run_id,) in conn.execute(late, asked).fetchall()])):
        query = """
            with asked as (
                from sample_repeats where list_contains($runs, run_id) union all by name from incoming
            ), shared as (
                select sample_id from asked group by sample_id having count(*) = len($runs)
            ), told as (
                select run_id, unnest($metrics) as metric, unnest([stable, same_text, same_content]) as value
                from asked semi join shared using (sample_id)
            )
            select run_id, metric, count_if(value), count(value) from told group by all having count(value) > 0
        """
        found = conn.execute(query, asked | {"metrics": list(METRICS)}).fetchall()
    return {(run_id, metric): intervals.rate(yes, n) for run_id, metric, yes, n in found}


def of_samples(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> pa.Table:
    """One row per run and sample that was answered several times without a failure, with a column for each metric."""
    query = """
        select r.eval_set_id, run_id, sample_id, min(a.text) = max(a.text) as same_text,
            if(min(a.text) = max(a.text), [], list(distinct a.text)) as unlike,
            if(count(c.value) = count(*), min(c.value) = 1, null) as stable
        from answers as a join runs as r using (run_id)
        left join (select answer_id, value from scores where metric = 'valid') as c using (answer_id)
        where run_id in (select unnest($runs::text[])) group by r.eval_set_id, run_id, sample_id
        having count(*) > 1 and count(a.failure) = 0 order by run_id, sample_id
    """
    found = database.arrow(conn, query, {"runs": list(run_ids)})
    asked = (eval_sets.find(conn, one) for one in pc.unique(found["eval_set_id"]).to_pylist())
    scorers = {one.eval_set_id: current_scorers.of_set(conn, one) for one in asked if one is not None}
    known: dict[tuple[str, ...], bool] = {}  # many samples have the same answers; they are read once

    def alike(eval_set_id: str, texts: list[str]) -> bool:
        told = (eval_set_id, *sorted(texts))
        if told not in known:
            measured = stability.measure(scorers[eval_set_id], texts)
            known[told] = measured is None or measured.parsed  # texts that are the same are the same content
        return known[told]

    content = [alike(*one) for one in zip(found["eval_set_id"].to_pylist(), found["unlike"].to_pylist(), strict=True)]
    return found.drop_columns(["eval_set_id", "unlike"]).append_column("same_content", pa.array(content, pa.bool_()))
