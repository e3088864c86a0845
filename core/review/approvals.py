"""Approvals: a named person declares "this answer, as corrected, is what we want". The only door into training."""

from collections.abc import Sequence
from typing import Any

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.store import audit, database


def candidates(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """Train samples with a passed or corrected answer and no decision yet, one row per sample.

    `completion` is the text to approve, `origin` says whether it is the answer as it is or a correction; the newest
    rating of a sample counts.
    """
    query = """
        select p.sample_id, a.answer_id, r.rating_id, r.rater, p.input, p.reference, a.text as answer,
            coalesce(r.correction, a.text) as completion,
            case when r.correction is null then 'as_is' else 'corrected' end as origin
        from latest_ratings as r join answers as a using (answer_id) join samples as p using (sample_id)
        left join latest_approvals as d on d.sample_id = p.sample_id
        where p.task_id = $task and p.split = 'train' and (
                coalesce(d.decision, 'withdrawn') = 'withdrawn'
                or (d.decision = 'rejected' and r.rating_id > d.rating_id)  -- judged anew since
            )
            and (r.verdict = 'pass' or (r.verdict = 'fail' and r.correction is not null))
        qualify row_number() over (partition by p.sample_id order by r.rating_id desc) = 1
        order by r.rating_id
        """
    return database.rows(conn, query, {"task": task_id})


def decide(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    task_id: str,
    sample_ids: Sequence[str],
    decision: str,
    reason: str = "",
) -> int:
    """Approve or reject candidates, all of them or none; returns how many.

    Raises Refusal when one is not a candidate (any more), or when a rejection has no reason.
    """
    roles.require(by, "approve")
    if decision == "rejected" and not reason.strip():
        raise Refusal(N_("A rejection needs a reason. Say in a few words what is wrong."))
    open_now = {row["sample_id"]: row for row in candidates(conn, task_id)}
    if gone := [sample for sample in sample_ids if sample not in open_now]:
        raise Refusal(
            N_("%(count)s of the chosen samples are no longer waiting for a decision. Look at the list again."),
            count=len(gone),
        )
    rows = [
        {
            "task_id": task_id,
            "sample_id": sample,
            "answer_id": open_now[sample]["answer_id"],
            "rating_id": open_now[sample]["rating_id"],
            "completion": open_now[sample]["completion"],
            "origin": open_now[sample]["origin"],
            "decision": decision,
            "reason": reason.strip(),
            "decided_by": by.person_id,
            "decided_at": database.now(),
        }
        for sample in dict.fromkeys(sample_ids)
    ]
    with audit.change(
        conn,
        actor=by.person_id,
        act=f"samples.{decision}",
        subject=task_id,
        detail={"samples": [row["sample_id"] for row in rows]},
    ):
        database.insert(conn, "approvals", rows)
    return len(rows)


def withdraw(conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, sample_id: str, reason: str) -> None:
    """Take an approval back; training sets frozen before keep it and say so. Raises Refusal without a reason."""
    roles.require(by, "approve")
    if not reason.strip():
        raise Refusal(N_("A withdrawal needs a reason. Say in a few words what is wrong."))
    latest = next((row for row in approved(conn, task_id) if row["sample_id"] == sample_id), None)
    if latest is None:
        raise Refusal(N_("This sample is not approved, so there is nothing to withdraw."))
    copied = ("task_id", "sample_id", "answer_id", "rating_id", "completion", "origin")
    row = {column: latest[column] for column in copied} | {"decision": "withdrawn", "reason": reason.strip()}
    with audit.change(
        conn, actor=by.person_id, act="samples.withdrawn", subject=task_id, detail={"samples": [sample_id]}
    ):
        database.insert(conn, "approvals", [{**row, "decided_by": by.person_id, "decided_at": database.now()}])


def approved(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The samples approved now, one row each, in the order of their approval, with `input` and `answer`."""
    query = """
        select d.*, p.input, p.context, p.reference, p.split, p.fields, a.text as answer
        from latest_approvals as d join samples as p using (sample_id) join answers as a using (answer_id)
        where d.task_id = $task and d.decision = 'approved' order by d.approval_id
        """
    return database.rows(conn, query, {"task": task_id})
