"""What raters named as mistakes, by sample: how often each type, with which version, and in which answers.

The unit is the sample: its raters and its answers are averaged before anything is counted. The newest word of each
rater on an answer counts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np

from core.diagnosis import errors, intervals
from core.store import database

FAILED = ""
"""Beside the error types: failed for whatever reason, named or not."""


def of_runs(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[str, intervals.Rate]:
    """Of the samples that failed with a named reason, the share that has each error type."""
    query = """
        with failed as (
            select sample_id, named, kinds from tallies where list_contains($runs, run_id) and named > 0
        ), samples as (
            select sample_id, count(*) as answers from failed group by sample_id
        ), shares as (
            select kind, sum(1.0 / named) / any_value(answers) as share
            from (select sample_id, named, unnest(string_split(kinds, chr(31))) as kind from failed)
            join samples using (sample_id) group by sample_id, kind
        )
        select kind, (select count(*) from samples) as n, sum(share) as total, sum(share * share) as squares
        from shares group by kind
    """
    rows = database.rows(conn, query, {"runs": list(run_ids)}) if run_ids else []
    return {row["kind"]: intervals.mean_of_sums(row["n"], row["total"], row["squares"]) for row in rows}


def versions(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """One row for every prompt on a model whose answers people have judged, the oldest first.

    `rung`, `model_name`, `run_ids`, `trials` (of whose proof runs are among them) and `answers` judged.
    """
    query = """
        with judged as (
            select run_id, count(*) as answers from tallies where passed + failed > 0
                and run_id in (select run_id from runs where task_id = $task) group by run_id
        )
        select r.prompt_id, r.model_id, any_value(r.rung order by r.created_at) as rung,
            any_value(m.name) as model_name, list(r.run_id order by r.run_id) as run_ids,
            coalesce(list(distinct r.trial_id) filter (r.trial_id is not null), []) as trials,
            sum(j.answers)::int as answers
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
        with answered as (
            select sample_id, run_id in (select unnest($after)) as later, passed + failed as raters, failed, kinds
            from tallies where list_contains($before::text[] || $after::text[], run_id) and passed + failed > 0
        ), sides as (
            select sample_id, later, count(*) as answers, avg(failed / raters) as failed
            from answered group by sample_id, later
        ), compared as (
            select sample_id, row_number() over (order by sample_id) - 1 as place,
                any_value(failed) filter (not later) as before, any_value(failed) filter (later) as after
            from sides group by sample_id having count(*) = 2
        ), shares as (
            select sample_id, later, kind, sum(1.0 / raters) as share
            from (select sample_id, later, raters, unnest(string_split(kinds, chr(31))) as kind from answered
                where kinds <> '')
            group by all
        )
        select $failed as kind, c.place, p.group_id, c.before, c.after
        from compared as c join samples as p using (sample_id)
        union all
        select h.kind, c.place, '', coalesce(any_value(h.share / s.answers) filter (not h.later), 0),
            coalesce(any_value(h.share / s.answers) filter (h.later), 0)
        from shares as h join sides as s using (sample_id, later) join compared as c using (sample_id)
        group by h.kind, c.place
    """
    table = conn.execute(query, {"before": list(before), "after": list(after), "failed": FAILED}).df()
    by_kind = dict(iter(table.groupby("kind")))
    compared = by_kind.get(FAILED, table).sort_values("place")
    groups = compared["group_id"].to_numpy()
    found = {FAILED: errors.Sides(compared["before"].to_numpy(), compared["after"].to_numpy(), groups)}
    for kind in kinds:
        sides = np.zeros((2, len(compared)))  # nobody named it in the samples that are not in the table
        if kind in by_kind:
            sides[:, by_kind[kind]["place"]] = by_kind[kind][["before", "after"]].to_numpy().T
        found[kind] = errors.Sides(sides[0], sides[1], groups)
    return found


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
