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


def between(conn: duckdb.DuckDBPyConnection, metric: str, before: Sequence[str], after: Sequence[str]) -> list[Flip]:
    """Every sample with a score on both sides, the critical ones first. Sides are run ids; the first repeat is shown.

    A sample is fixed or broken when its value, averaged over the repeats, went up or down.
    """
    query = """
        with sides as (
            select a.sample_id, list_contains($after, a.run_id) as later, first(a.text order by a.repeat) as text,
                avg(c.value) as value
            from answers as a join scores as c on c.answer_id = a.answer_id and c.metric = $metric
            where list_contains($before, a.run_id) or list_contains($after, a.run_id) group by all
        )
        select p.sample_id, p.critical, p.input, p.reference, b.text as before, e.text as after,
            case when e.value > b.value then 'fixed' when e.value < b.value then 'broken' else 'unchanged' end as change
        from sides as b join sides as e on e.sample_id = b.sample_id and e.later and not b.later
        join samples as p on p.sample_id = b.sample_id order by p.critical desc, p.key
    """
    values = {"metric": metric, "before": list(before), "after": list(after)}
    return [Flip(**row) for row in database.rows(conn, query, values)]
