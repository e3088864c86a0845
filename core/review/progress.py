"""How far a queue is: the rater's own part, everybody's, and the rater's pace."""

from dataclasses import dataclass

import duckdb

from core.store import database

LONGEST_LOOK_S = 600
"""Who takes longer between two judgements has been away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The rater has judged `mine` and may judge `left` more; `ours` have a judgement by anybody.

    `pace_s` is the rater's seconds per answer: the median between judgements, breaks left out; None at first.
    """

    mine: int
    ours: int
    left: int
    pace_s: float | None


def of_rater(conn: duckdb.DuckDBPyConnection, queue_id: str, rater: str) -> Progress:
    query = """
        with latest as (
            select answer_id, rater, verdict from ratings where queue_id = $queue
            qualify row_number() over (partition by answer_id, rater order by rating_id desc) = 1
        ), steps as (
            select epoch(rated_at - lag(rated_at) over (order by rating_id)) as seconds, verdict from ratings
            where queue_id = $queue and rater = $rater
        ), open as (
            select count(*) as "left" from queue_states as i
            left join latest as m on m.answer_id = i.answer_id and m.rater = $rater
            where i.queue_id = $queue and coalesce(m.verdict, 'undone') = 'undone' and i.is_open
                and i.answer_id not in (select answer_id from own_answers where rater = $rater)
        )
        select (select count(*) from latest where rater = $rater and verdict <> 'undone') as mine,
            (select count(distinct answer_id) from latest where verdict <> 'undone') as ours,
            (select "left" from open) as "left",
            (select median(seconds) from steps where verdict <> 'undone' and seconds < $longest) as pace_s
    """
    row = database.row(conn, query, {"queue": queue_id, "rater": rater, "longest": LONGEST_LOOK_S})
    assert row is not None
    return Progress(**row)
