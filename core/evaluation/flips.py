"""Flips: samples whose answer became right or wrong between two versions, each with what was said before and after."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from core.store import database


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One sample before and after: what was asked, what each version said, and whether that was right."""

    sample_id: str
    critical: bool
    input: str
    reference: str
    before: str
    after: str
    change: str
    """`fixed`, `broken` or `unchanged`."""


def between(
    conn: duckdb.DuckDBPyConnection,
    metric: str,
    before: Sequence[str],
    after: Sequence[str],
    *,
    most: int | None = None,
    tag: str | None = None,
) -> list[Flip]:
    """Every sample with a score on both sides, the critical ones first. Sides are run ids; the first repeat is shown.

    A sample is fixed or broken when its value, averaged over the repeats, went up or down. Of each change `most` of
    them are wanted, and only samples with that `tag` if one is given.
    """
    query = """
        with sides as (
            select a.sample_id, a.run_id in (select unnest($after::text[])) as later, avg(c.value) as value,
                min_by(a.answer_id, a.repeat) as first_id
            from answers as a join scores as c on c.answer_id = a.answer_id and c.metric = $metric
            where a.run_id in (select unnest($before::text[] || $after::text[])) group by all
        ), changes as (
            select b.sample_id, b.first_id as before_id, e.first_id as after_id, p.critical, p.key,
                case when e.value > b.value then 'fixed' when e.value < b.value then 'broken'
                    else 'unchanged' end as change
            from sides as b join sides as e on e.sample_id = b.sample_id and e.later and not b.later
            join samples as p on p.sample_id = b.sample_id
            where $tag is null or list_contains(p.tags, $tag)
            qualify $most is null or row_number() over (partition by change order by p.critical desc, p.key) <= $most
        )
        select p.sample_id, p.critical, p.input, p.reference, b.text as before, e.text as after, m.change
        from changes as m join samples as p using (sample_id)
        join answers as b on b.answer_id = m.before_id join answers as e on e.answer_id = m.after_id
        order by m.critical desc, m.key
    """
    values = {"metric": metric, "before": list(before), "after": list(after), "most": most, "tag": tag}
    return [Flip(**row) for row in database.rows(conn, query, values)]
