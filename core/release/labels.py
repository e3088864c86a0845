"""What people say of the answers of both versions: rated blind, and never replaced by a judge's verdict."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core.access import roles
from core.access.people import Person
from core.diagnosis import verdicts
from core.diagnosis.verdicts import Comparison
from core.errors import Refusal
from core.locale.mark import N_
from core.release import plans, proofs
from core.review import queues
from core.store import database

MAIN_RATER = 1 / 3
"""Who gave more than this share of the ratings has judged too much of it to approve it alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """`samples` gate samples are judged by people on both versions, of `wanted`; `comparison` counts passes.

    `shares` is each rater's share of the judgements, in 0..1.
    """

    samples: int
    wanted: int
    comparison: Comparison
    shares: Mapping[str, float]

    @property
    def enough(self) -> bool:
        return self.samples >= self.wanted


def ask(conn: duckdb.DuckDBPyConnection, trial_id: str, *, by: Person, raters: Sequence[str] = ()) -> str:
    """Put both versions' answers to as many gate samples as the plan wants into a blind queue; returns its id.

    The samples are drawn by the trial's id, so that nobody picks them. Raises Refusal before a plan is signed or
    while answers are missing, and when there is such a queue already.
    """
    roles.require(by, "run.start")
    plan = plans.current(conn, trial_id)
    if plan is None or not plans.complete(conn, trial_id):
        raise Refusal(N_("Sign the plan and wait until all answers are in; then people can judge them."))
    gate = _gate_runs(conn, trial_id)
    if database.row(conn, "select 1 as one from queues where list_has_all(run_ids, ?)", [[*gate]]):
        raise Refusal(N_("These answers wait for raters already. See Review, Queues."))
    found = _by_sample(conn, [*gate])
    both = sorted(sample for sample, answers in found.items() if len(set(answers.values())) == len(gate))
    random.Random(trial_id).shuffle(both)
    chosen = {answer for sample in both[: plan["terms"].labels] for answer in found[sample]}
    name = N_("Both versions, blind")
    terms = queues.Terms(name=name, each=1, raters=tuple(raters))
    return queues.create(conn, by=by, task_id=_task_of(conn, trial_id), run_ids=[*gate], terms=terms, only=chosen)


def _task_of(conn: duckdb.DuckDBPyConnection, trial_id: str) -> str:
    row = database.row(conn, "select task_id from trials where trial_id = ?", [trial_id])
    assert row is not None, "a plan is signed on a trial"
    return str(row["task_id"])


def _gate_runs(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, str]:
    """run id -> side."""
    return {run["run_id"]: run["side"] for run in proofs.runs_of(conn, trial_id) if run["split"] == "gate"}


def _by_sample(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """sample id -> answer id -> run id, of the first repeat's answers that have a text."""
    query = """
        select sample_id, answer_id, run_id from answers
        where list_contains($runs, run_id) and text is not null and repeat = 0 order by sample_id, answer_id
    """
    found: dict[str, dict[str, str]] = {}
    for row in database.rows(conn, query, {"runs": list(run_ids)}):
        found.setdefault(row["sample_id"], {})[row["answer_id"]] = row["run_id"]
    return found


def given(conn: duckdb.DuckDBPyConnection, trial_id: str, wanted: int, agreed: Any) -> Labels:
    """What people have said so far; raters are averaged inside an answer, and a lead's decision replaces them."""
    gate = _gate_runs(conn, trial_id)
    query = """
        with said as (
            select q.answer_id, q.rater, q.verdict, d.verdict as decided
            from queue_ratings as q join answers as a using (answer_id)
            left join queue_decisions as d on d.queue_id = q.queue_id and d.answer_id = q.answer_id
            where list_contains($runs, a.run_id) and q.verdict in ('pass', 'fail')
        )
        select a.sample_id, a.run_id, avg(case when coalesce(decided, verdict) = 'pass' then 1.0 else 0.0 end) as value
        from said join answers as a using (answer_id) group by all order by a.sample_id
    """
    values: dict[str, dict[str, float]] = {"before": {}, "after": {}}
    for row in database.rows(conn, query, {"runs": [*gate]}):
        values[gate[row["run_id"]]][row["sample_id"]] = row["value"]
    shared = sorted(values["before"].keys() & values["after"].keys())
    groups = dict(
        conn.execute(
            "select sample_id, group_id from samples where list_contains($shared, sample_id)", {"shared": shared}
        ).fetchall()
    )
    comparison = verdicts.compare(
        [values["before"][sample] for sample in shared],
        [values["after"][sample] for sample in shared],
        margin=agreed.margin,
        smallest_gain=agreed.smallest_gain,
        groups=[groups[sample] for sample in shared],
    )
    return Labels(samples=len(shared), wanted=wanted, comparison=comparison, shares=_shares(conn, [*gate]))


def _shares(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[str, float]:
    query = """
        select rater, count(*) as n from queue_ratings join answers using (answer_id)
        where list_contains($runs, run_id) and verdict in ('pass', 'fail') group by rater order by rater
    """
    counts = {row["rater"]: row["n"] for row in database.rows(conn, query, {"runs": list(run_ids)})}
    return {rater: n / sum(counts.values()) for rater, n in counts.items()}
