"""Agreement in a queue: alpha, per error type and pair of raters, and the answers that split raters most."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import duckdb

from core.diagnosis import agreement
from core.diagnosis.agreement import Agreement
from core.review import blindness
from core.store import database


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a queue's double-rated answers show; answers that still wait for the viewer are left out."""

    overall: Agreement
    by_type: Mapping[str, Agreement]
    """error type -> whether raters agree that it applies."""
    by_pair: Mapping[tuple[str, str], Agreement]
    split: Sequence[Mapping[str, Any]]
    """Answers that raters do not agree about, the most split first: texts, `ratings`, and `state`."""
    hidden: int
    """Answers left out, since the viewer may still judge them in some queue."""


def of_queue(conn: duckdb.DuckDBPyConnection, queue_id: str, viewer: str) -> Report:
    """Over the items that are done or disputed, by the raters' own words and not by what a lead decided since.

    On the scale of five the points count, in their order; else pass and fail.
    """
    known = database.row(
        conn,
        """
        select b.scale, t.error_types from queues as q join rubrics as b using (rubric_id)
        join tasks as t on t.task_id = q.task_id where q.queue_id = ?
        """,
        [queue_id],
    )
    assert known is not None, "a queue is made with a rubric and a task"
    items = _items(conn, queue_id)
    hidden = blindness.open_to(conn, viewer, items)
    shown = {answer: rows for answer, rows in items.items() if answer not in hidden}
    ordinal = known["scale"] == "five"
    values = [{row["rater"]: _value(row, ordinal) for row in rows} for rows in shown.values()]
    samples = [rows[0]["sample_id"] for rows in shown.values()]
    types = [one["id"] for one in json.loads(known["error_types"])]
    ticked = {
        kind: [{row["rater"]: float(kind in row["error_types"]) for row in rows} for rows in shown.values()]
        for kind in types
    }
    pairs = {
        pair: [{rater: one[rater] for rater in pair} if set(pair) <= set(one) else {} for one in values]
        for pair in combinations(sorted({rater for one in values for rater in one}), 2)
    }
    level: agreement.Level = "ordinal" if ordinal else "nominal"
    return Report(
        overall=agreement.measure(values, samples, level=level),
        by_type={kind: agreement.measure(found, samples) for kind, found in ticked.items()},
        by_pair={pair: agreement.measure(found, samples, level=level) for pair, found in pairs.items() if any(found)},
        split=_split(shown, ordinal),
        hidden=len(items) - len(shown),
    )


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str, viewer: str) -> Agreement | None:
    """The overall agreement of the task's newest queue in which two people judged the same answers; None without one.

    As `of_queue` has it, but added up by the database: samples that look alike are one row.
    """
    query = """
        select q.queue_id, b.scale = 'five' as ordinal, q.run_ids as runs, exists (
                from queues as o where o.queue_id <> q.queue_id and list_has_any(o.run_ids, q.run_ids)
            ) as shared, exists (
                from people as p, queues as o where p.person_id = $viewer and p.active
                    and list_contains(p.roles, 'expert') and o.closed_at is null and list_has_any(o.run_ids, q.run_ids)
                    and (len(o.raters) = 0 or list_contains(o.raters, $viewer))
                    and (o.queue_id <> q.queue_id or exists (
                        from queue_items as i where i.queue_id = q.queue_id and i.needed is null))
            ) as asked
        from queues as q join rubrics as b using (rubric_id) where q.task_id = $task
        order by q.created_at desc, q.queue_id
    """
    for queue in database.rows(conn, query, {"task": task_id, "viewer": viewer}):
        hidden = _open(conn, queue["queue_id"], viewer) if queue["asked"] else set()
        asked = {name: queue[name] for name in ("queue_id", "ordinal", "runs", "shared")}
        asked |= {"hidden": sorted(hidden), "bits": _BITS}
        patterns = {
            tuple(_counts(code, queue["ordinal"]) for code in codes): count
            for codes, count in conn.execute(_PATTERNS, asked).fetchall()
        }
        found = agreement.of_patterns(patterns, level="ordinal" if queue["ordinal"] else "nominal")
        if found.n:
            return found
    return None


_BITS = 12
"""How many raters gave each value of an answer is one number, so many bits for each; lists would be sorted slowly."""
_PATTERNS = """
    with judged as (  -- an answer that no other queue asks about has one tally
        select answer_id, sample_id, passed + failed as raters,
            if($ordinal, points, (passed::bigint << $bits) + failed) as code
        from tallies where not $shared and list_contains($runs, run_id) and passed + failed >= 2
        union all
        select r.answer_id, any_value(a.sample_id), count(*), sum(
                case when $ordinal then 1::bigint << ($bits * (points - 1))
                    else 1::bigint << if(verdict = 'pass', $bits, 0) end
            )::bigint
        from standing_ratings as r join answers as a using (answer_id)
        where $shared and queue_id = $queue_id and verdict in ('pass', 'fail')
        group by r.answer_id having count(*) >= 2
    ), more as (
        select answer_id, needed from queue_items where queue_id = $queue_id and needed > 2
    ), closed as (
        select answer_id from closings where queue_id = $queue_id
        group by answer_id having arg_max(act, closing_id) = 'closed'
    ), decided as (
        select distinct answer_id from decisions where queue_id = $queue_id
    ), samples as (
        select list_sort(list(j.code)) as codes
        from judged as j left join more as m using (answer_id)
        left join decided as d using (answer_id) left join closed as c using (answer_id)
        where (d.answer_id is not null or (c.answer_id is null and j.raters >= coalesce(m.needed, 2)))
            and j.answer_id not in (select unnest($hidden::text[]))
        group by j.sample_id
    )
    select codes, count(*) from samples group by codes
"""


def _counts(code: int, ordinal: bool) -> tuple[int, ...]:
    return tuple(code >> _BITS * place & (1 << _BITS) - 1 for place in range(5 if ordinal else 2))


def _open(conn: duckdb.DuckDBPyConnection, queue_id: str, viewer: str) -> set[str]:
    items = conn.execute("select answer_id from queue_items where queue_id = ?", [queue_id]).fetchall()
    return blindness.open_to(conn, viewer, [answer for (answer,) in items])


def _items(conn: duckdb.DuckDBPyConnection, queue_id: str) -> dict[str, list[dict[str, Any]]]:
    query = """
        select w.*, i.state, a.sample_id, a.text, p.input from queue_states as i
        join queue_ratings as r on r.queue_id = i.queue_id and r.answer_id = i.answer_id
        join ratings as w on w.rating_id = r.rating_id
        join answers as a on a.answer_id = i.answer_id join samples as p using (sample_id)
        where i.queue_id = ? and i.state in ('disputed', 'done') and r.verdict in ('pass', 'fail')
        order by i.position, r.rater
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in database.rows(conn, query, [queue_id]):
        found[row["answer_id"]].append(row)
    return found


def _value(row: Mapping[str, Any], ordinal: bool) -> float:
    return float(row["points"]) if ordinal else float(row["verdict"] == "pass")


def _split(shown: Mapping[str, Sequence[Mapping[str, Any]]], ordinal: bool) -> list[dict[str, Any]]:
    found = []
    for rows in shown.values():
        values = [_value(row, ordinal) for row in rows]
        if len(set(values)) > 1:
            apart = (max(values) - min(values), 1 - agreement.sameness(values))
            one = {key: rows[0][key] for key in ("queue_id", "answer_id", "text", "input", "state")}
            found.append({**one, "ratings": rows, "apart": apart})
    return sorted(found, key=lambda one: one["apart"], reverse=True)
