"""What a rater may not look into yet: answers next to their version, while some still wait for the rater's verdict."""

from collections.abc import Sequence

import duckdb

from core.access import roles
from core.access.people import Person


def waiting(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str], person: Person) -> int:
    """How many answers of these runs the person still has to judge blind; 0 for somebody who does not rate."""
    if not roles.may(person, "rate"):
        return 0
    query = """
        with mine as (
            select queue_id, answer_id, verdict from ratings where rater = $rater
            qualify row_number() over (partition by queue_id, answer_id order by rating_id desc) = 1
        )
        select count(*) from queue_states as i join answers as a using (answer_id) join queues as q using (queue_id)
        left join mine as m on m.queue_id = i.queue_id and m.answer_id = i.answer_id
        where list_contains($runs, a.run_id) and coalesce(m.verdict, 'undone') = 'undone'
            and (len(q.raters) = 0 or list_contains(q.raters, $rater))
            and i.is_open
    """
    values = {"runs": list(run_ids), "rater": person.person_id}
    return sum(count for one in (query, _PAIRS) for (count,) in conn.execute(one, values).fetchall())


_PAIRS = """
    select count(*) from pairs as p join rounds as r using (round_id)
    join answers as a on a.answer_id = p.left_answer join answers as b on b.answer_id = p.right_answer
    left join latest_preferences as m on m.pair_id = p.pair_id and m.rater = $rater
    where (list_contains($runs, a.run_id) or list_contains($runs, b.run_id))
        and r.locked_at is null and not p.identical and coalesce(m.choice, 'undone') = 'undone'
        and (len(r.raters) = 0 or list_contains(r.raters, $rater))
"""
