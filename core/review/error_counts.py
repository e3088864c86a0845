"""What raters named as mistakes, by sample: how often each type, with which version, and in which answers.

The unit is the sample: its raters and its answers are averaged before anything is counted. The newest word of each
rater on an answer counts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from core.diagnosis import errors, intervals
from core.store import database

FAILED = ""
"""Beside the error types: failed for whatever reason, named or not."""


def of_runs(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[str, intervals.Rate]:
    """Of the samples that failed with a named reason, the share that has each error type."""
    query = """
        with rated as (
            select r.answer_id, r.rater, r.rating_id, r.queue_id, r.verdict, r.error_types as types, a.sample_id
            from standing_ratings as r join answers as a using (answer_id) where a.run_id in (select unnest($runs))
        ), several as (
            select count(distinct queue_id) > 1 as queues from rated
        ), said as (  -- the same answer may be in two queues; only then is there anything to choose from
            select answer_id, sample_id, verdict, types from rated where not (select queues from several)
            union all
            select answer_id, sample_id, arg_max(verdict, rating_id), arg_max(types, rating_id) from rated
            where (select queues from several) group by answer_id, sample_id, rater
        ), failing as (
            from said where verdict = 'fail' and len(types) > 0
        ), failed as (
            select f.answer_id, f.sample_id, f.types, c.raters
            from failing as f
            join (select answer_id, count(*) as raters from failing group by answer_id) as c using (answer_id)
        ), samples as (
            select sample_id, count(distinct answer_id) as answers from failed group by sample_id
        ), shares as (
            select kind, sum(1.0 / raters) / any_value(answers) as share
            from (select sample_id, raters, unnest(types) as kind from failed) join samples using (sample_id)
            group by sample_id, kind
        )
        select kind, (select count(*) from samples) as n, sum(share) as total, sum(share * share) as squares
        from shares group by kind
    """
    rows = database.rows(conn, query, {"runs": list(run_ids)}) if run_ids else []
    return {row["kind"]: intervals.mean_of_sums(row["n"], row["total"], row["squares"]) for row in rows}


def versions(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """One row for every prompt on a model whose answers people have judged, the oldest first.

    `rung`, `model_name`, `run_ids`, `trials` (of whose proof runs are among them) and `samples` judged.
    """
    query = """
        with judged as (
            select a.run_id, a.sample_id from answers as a semi join
                (from ratings where verdict in ('pass', 'fail')) as r on r.answer_id = a.answer_id
            where a.run_id in (select run_id from runs where task_id = $task) group by all
        )
        select r.prompt_id, r.model_id, any_value(r.rung order by r.created_at) as rung,
            any_value(m.name) as model_name, list(distinct r.run_id order by r.run_id) as run_ids,
            coalesce(list(distinct r.trial_id) filter (r.trial_id is not null), []) as trials,
            count(distinct j.sample_id) as samples
        from judged as j join runs as r using (run_id) join models as m using (model_id)
        group by r.prompt_id, r.model_id order by min(r.created_at), rung
    """
    return database.rows(conn, query, {"task": task_id})


def between(
    conn: duckdb.DuckDBPyConnection, before: Sequence[str], after: Sequence[str], kinds: Sequence[str]
) -> dict[str, errors.Sides]:
    """For each error type, and for failing at all, the shares of the samples that people judged with both versions.

    Versions are the ids of their runs.
    """
    query = """
        with said as (
            select a.sample_id, a.answer_id, a.run_id in (select unnest($after)) as later,
                arg_max(r.verdict, r.rating_id) as verdict, arg_max(r.error_types, r.rating_id) as types
            from ratings as r join answers as a using (answer_id)
            where a.run_id in (select unnest($before::text[] || $after::text[]))
            group by a.sample_id, a.answer_id, later, r.rater
        ), named as (
            select sample_id, answer_id, later, kind,
                (verdict = 'fail' and (kind = $failed or list_contains(types, kind)))::int as it
            from said, (select unnest($kinds) as kind) where verdict in ('pass', 'fail')
        ), answered as (
            select sample_id, later, kind, avg(it) as share from named group by sample_id, answer_id, later, kind
        )
        select n.kind, p.group_id, avg(n.share) filter (not n.later) as before, avg(n.share) filter (n.later) as after
        from answered as n join samples as p using (sample_id) group by n.kind, p.sample_id, p.group_id
        having before is not null and after is not null
    """
    every = [FAILED, *kinds]
    asked = {"before": list(before), "after": list(after), "kinds": every, "failed": FAILED}
    table = conn.execute(query, asked).df()
    found = {kind: table[table["kind"] == kind] for kind in every}
    return {
        kind: errors.Sides(part["before"].to_numpy(), part["after"].to_numpy(), part["group_id"].to_numpy())
        for kind, part in found.items()
    }


def examples(
    conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str], kind: str, limit: int = 200
) -> list[Mapping[str, Any]]:
    """Answers of these runs that somebody failed for that reason: texts, `rung`, `model_name`, and their `ratings`."""
    query = """
        with newest as (
            select r.answer_id, r.rater, arg_max(r.verdict, r.rating_id) as verdict,
                arg_max(r.error_types, r.rating_id) as error_types, arg_max(r.note, r.rating_id) as note,
                arg_max({'text': r.correction}, r.rating_id)['text'] as correction
            from ratings as r join answers as a using (answer_id)
            where a.run_id in (select unnest($runs)) group by r.answer_id, r.rater
        ), found as (
            select answer_id from newest
            where verdict = 'fail' and (list_contains(error_types, $kind) or $kind = $failed)
            group by answer_id order by answer_id limit $limit
        )
        select a.answer_id, p.key, p.input, p.reference, a.text, r.rung, m.name as model_name,
            list({'rater': n.rater, 'verdict': n.verdict, 'error_types': n.error_types, 'note': n.note,
                'correction': n.correction}
                order by n.rater) as ratings
        from found join newest as n using (answer_id) join answers as a using (answer_id)
        join samples as p using (sample_id) join runs as r using (run_id) join models as m using (model_id)
        where n.verdict in ('pass', 'fail') group by all order by p.key, a.answer_id
    """
    asked = {"runs": list(run_ids), "kind": kind, "limit": limit, "failed": FAILED}
    return list(database.rows(conn, query, asked))
