"""Claims: which answers a rater holds for a while, so that no two people do the same work."""

from datetime import timedelta
from typing import Any

import duckdb

from core.store import audit, database


def available(
    conn: duckdb.DuckDBPyConnection, queue_id: str, rater: str, limit: int | None = None
) -> list[dict[str, Any]]:
    """The items the rater may judge now, in the rater's order: `answer_id`, `position`, and `held`, when it is so.

    The order is drawn from the queue's stored seed and the rater's name, so each rater has another, and it can be drawn
    again. An answer that repeats word for word what the rater once wrote as a correction is left to others.
    Left out is what the rater has judged, what was decided or closed, and what others have judged or hold often enough.
    An item without a wanted number of ratings stays open to everybody and is never held (`held` is true without a
    claim).
    """
    values = {"queue": queue_id, "rater": rater, "now": database.now(), "limit": limit}
    return database.rows(conn, _AVAILABLE, values)


def take(conn: duckdb.DuckDBPyConnection, queue_id: str, rater: str, limit: int) -> list[str]:
    """Hold the rater's next items until the queue's claims expire; returns their answer ids in order.

    What the rater holds already is not written again, unless less than half of the time is left.
    """
    found = available(conn, queue_id, rater, limit)
    if all(one["held"] for one in found):
        return [one["answer_id"] for one in found]
    with audit.change(conn, actor=rater, act="answers.claimed", subject=queue_id) as detail:
        found = available(conn, queue_id, rater, limit)  # somebody may have been faster
        wanted = [one["answer_id"] for one in found if not one["held"]]
        detail["answers"] = wanted
        minutes = database.row(conn, "select claim_minutes from queues where queue_id = ?", [queue_id])
        assert minutes is not None, "an item belongs to a queue"
        until = database.now() + timedelta(minutes=minutes["claim_minutes"])
        rows = [{"queue_id": queue_id, "answer_id": answer, "rater": rater, "expires_at": until} for answer in wanted]
        database.insert(conn, "claims", rows)
    return [one["answer_id"] for one in found]


_AVAILABLE = """
    with said as (
        select answer_id, rater, verdict from standing_ratings where queue_id = $queue and verdict <> 'undone'
    ), by_rater as (
        select answer_id, rater, bool_or(verdict in ('pass', 'fail')) as judged, bool_or(verdict is not null) as said,
            max(expires_at) as expires_at
        from (
            select answer_id, rater, verdict, null as expires_at from said
            union all
            select answer_id, rater, null, expires_at from claims where queue_id = $queue and expires_at > $now
        ) group by answer_id, rater
    ), taken as (
        select answer_id, bool_or(said) filter (rater = $rater) as mine,
            max(expires_at) filter (rater = $rater) as expires_at,
            count(*) filter (rater <> $rater and (judged or not said)) as others
        from by_rater group by answer_id
    ), closed as (
        select answer_id from closings where queue_id = $queue
        group by answer_id having arg_max(act, closing_id) = 'closed'
    )
    select i.answer_id, i.position, i.needed is null or coalesce(
            t.expires_at > $now + to_minutes(q.claim_minutes // 2), false
        ) as held
    from queue_items as i join queues as q using (queue_id)
    left join taken as t on t.answer_id = i.answer_id
    where i.queue_id = $queue and not coalesce(t.mine, false)
        and (len(q.raters) = 0 or list_contains(q.raters, $rater))
        and coalesce(t.others, 0) < coalesce(i.needed, 1000000)
        and q.closed_at is null
        and i.answer_id not in (
            select answer_id from decisions where queue_id = $queue
            union all select answer_id from own_answers where rater = $rater
            union all from closed
        )
    order by md5(concat_ws(':', q.seed, $rater, i.answer_id)) limit $limit
"""
