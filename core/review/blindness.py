"""What somebody may not look into yet, while it waits for their own verdict: versions, and what others said."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_

Row = TypeVar("Row", bound=Mapping[str, Any])


def waiting(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str], person: Person) -> int:
    """How many answers of these runs the person still has to judge blind; 0 for somebody who does not rate.

    Open is as `queue_states` has it, worked out for these runs alone: a page asks this at each visit, and mostly no
    queue and no round is open any more, which is known without planning the long queries.
    """
    if not roles.may(person, "rate"):
        return 0
    values = {"runs": list(run_ids), "rater": person.person_id}
    found = conn.execute(_ASKING, values).fetchone()
    assert found is not None, "a count is always there"
    asking = zip(found, (_ITEMS, _PAIRS), strict=True)
    return sum(count for open_ones, query in asking if open_ones for (count,) in conn.execute(query, values).fetchall())


_ASKING = """
    select (select count(*) from queues where closed_at is null and list_has_any(run_ids, $runs)
            and (len(raters) = 0 or list_contains(raters, $rater))),
        (select count(*) from rounds where locked_at is null and list_has_any(run_ids, $runs)
            and (len(raters) = 0 or list_contains(raters, $rater)))
"""
_ITEMS = """
    with asked as (
        select queue_id from queues where closed_at is null and list_has_any(run_ids, $runs)
            and (len(raters) = 0 or list_contains(raters, $rater))
    ), items as (
        select i.queue_id, i.answer_id, i.needed
        from queue_items as i semi join asked using (queue_id) join answers as a using (answer_id)
        where a.run_id in (select unnest($runs))
    ), said as (
        select r.queue_id, r.answer_id, count(*) filter (r.verdict in ('pass', 'fail')) as judged,
            bool_or(r.rater = $rater and r.verdict <> 'undone') as mine
        from standing_ratings as r semi join items using (queue_id, answer_id) group by all
    )
    select count(*) from items as i left join said as s using (queue_id, answer_id)
    where not coalesce(s.mine, false) and (i.needed is null or coalesce(s.judged, 0) < i.needed)
        and i.answer_id not in (select answer_id from own_answers where rater = $rater)
        and not exists (from decisions as d where d.queue_id = i.queue_id and d.answer_id = i.answer_id)
        and coalesce((select arg_max(c.act, c.closing_id) from closings as c
            where c.queue_id = i.queue_id and c.answer_id = i.answer_id), '') <> 'closed'
"""
_PAIRS = """
    with own as (select answer_id from own_answers where rater = $rater)
    select count(*) from pairs as p join rounds as r using (round_id)
    join answers as a on a.answer_id = p.left_answer join answers as b on b.answer_id = p.right_answer
    left join latest_preferences as m on m.pair_id = p.pair_id and m.rater = $rater
    where (a.run_id in (select unnest($runs)) or b.run_id in (select unnest($runs)))
        and r.locked_at is null and not p.identical and coalesce(m.choice, 'undone') = 'undone'
        and (len(r.raters) = 0 or list_contains(r.raters, $rater))
        and p.left_answer not in (from own) and p.right_answer not in (from own)
"""


def open_to(conn: duckdb.DuckDBPyConnection, viewer: str, answer_ids: Collection[str]) -> set[str]:
    """Those of the answers that some queue may still ask the viewer about, whose other ratings are not to be seen.

    A queue that leaves its answers open to every rater asks until it is closed; others until enough have judged. Who
    has judged the answer in any queue has given their own word on it; who has skipped it is not asked again there. Nor
    is anybody asked about their own words.
    """
    if not answer_ids:
        return set()
    query = """
        select distinct i.answer_id
        from (select unnest($answers::text[]) as answer_id) as w join queue_states as i using (answer_id)
        join queues as q using (queue_id)
        join people as p on p.person_id = $viewer and p.active and list_contains(p.roles, 'expert')
        where i.is_open and (len(q.raters) = 0 or list_contains(q.raters, $viewer))
            and not exists (
                from standing_ratings as m where m.answer_id = i.answer_id and m.rater = $viewer
                    and (m.verdict in ('pass', 'fail') or m.verdict = 'skip' and m.queue_id = i.queue_id)
            )
            and i.answer_id not in (select answer_id from own_answers where rater = $viewer)
    """
    values = {"viewer": viewer, "answers": sorted(set(answer_ids))}
    return {answer for (answer,) in conn.execute(query, values).fetchall()}


def shown(conn: duckdb.DuckDBPyConnection, viewer: str, rows: Sequence[Row]) -> list[Row]:
    """The rows, each about an `answer_id`, that the viewer may see: none about an answer that is open to them."""
    hidden = open_to(conn, viewer, {row["answer_id"] for row in rows})
    return [row for row in rows if row["answer_id"] not in hidden]


def refuse_open(conn: duckdb.DuckDBPyConnection, viewer: str, answer_ids: Collection[str]) -> None:
    """Raises Refusal when one of the answers is still open to the viewer."""
    if count := len(open_to(conn, viewer, answer_ids)):
        raise Refusal(
            N_(
                "%(count)s of these answers wait for your own judgement, so you may not see yet what others said. "
                "Judge or skip them under Rate first."
            ),
            count=count,
        )
