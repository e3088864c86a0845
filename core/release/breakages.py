"""Newly broken samples: each is read by an expert, who says why it can be borne or that it stops the release."""

from typing import Any, Literal, get_args

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation.flips import Flip
from core.locale.mark import N_
from core.release import plans
from core.release.proofs import Report
from core.store import audit, database

Answer = Literal["accepted", "blocker"]


def broken(report: Report) -> list[Flip]:
    """The samples that were right before and are not any more, the gate's first and critical ones on top."""
    return [flip for split in ("gate", "retain") for flip in report.flips[split] if flip.change == "broken"]


def answered(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, dict[str, Any]]:
    """sample id -> the newest `answer`, its `reason`, `answered_by` and `answered_at`."""
    query = "select * from latest_breakages where trial_id = ?"
    return {row["sample_id"]: row for row in database.rows(conn, query, [trial_id])}


def answer(
    conn: duckdb.DuckDBPyConnection, trial_id: str, sample_id: str, said: Answer, reason: str, *, by: Person
) -> None:
    """Say of a newly broken sample that it can be borne, and why, or that it is a blocker.

    Raises Refusal without a reason, for a sample that did not break, and once a decision was signed.
    """
    roles.require(by, "breakage.answer")
    if said not in get_args(Answer):
        raise Refusal(N_("Choose whether the broken sample can be accepted or is a blocker."))
    if len(reason.strip()) < 3:
        raise Refusal(N_("Say in a few words why. Whoever signs will read it, and so will the certificate's readers."))
    report = plans.report(conn, trial_id)
    if report is None or sample_id not in {flip.sample_id for flip in broken(report)}:
        raise Refusal(N_("This sample is not among the newly broken ones. Reload the page."))
    detail = {"trial": trial_id, "answer": said, "reason": reason.strip()}
    with audit.change(conn, actor=by.person_id, act="breakage.answered", subject=sample_id, detail=detail):
        if settled(conn, trial_id):
            raise Refusal(N_("Somebody has signed on these answers already, so they stand."))
        row = {"trial_id": trial_id, "sample_id": sample_id, "answer": said, "reason": reason.strip()}
        database.insert(conn, "breakages", [{**row, "answered_by": by.person_id, "answered_at": database.now()}])


def settled(conn: duckdb.DuckDBPyConnection, trial_id: str) -> bool:
    """Whether somebody has signed a decision on these answers, so that they stand."""
    query = """
        select 1 as one from signatures as g join sign_offs as s on g.kind = 'sign_off' and g.subject = s.sign_off_id
        where s.trial_id = ? limit 1
    """
    return database.row(conn, query, [trial_id]) is not None
