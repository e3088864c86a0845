"""A teacher's batch: what people said of the answers drawn from it, and its approval as a whole, or its rejection."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from core.access import roles
from core.access.people import Person
from core.diagnosis import intervals
from core.diagnosis.intervals import Rate
from core.errors import Refusal
from core.locale.mark import N_
from core.review import approvals
from core.store import audit, database
from core.training import distillations, leakage


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotCheck:
    """What people said of the drawn answers: `rate` of those that pass, `left` to be judged, `skipped` by everybody.

    `failed` are the answers that did not pass; they are approved by nobody, whatever becomes of the batch.
    """

    rate: Rate
    left: int
    skipped: int
    failed: Collection[str]


def spot_check(conn: duckdb.DuckDBPyConnection, distillation_id: str) -> SpotCheck | None:
    """What the check has shown so far; None before anything was drawn."""
    query = """
        select s.answer_id, s.state, s.skipped, case when s.state <> 'done' then null else
            coalesce(s.decision, case when s.failed > 0 then 'fail' else 'pass' end) end as verdict
        from distillation_draws as d join queue_states as s using (queue_id) where d.distillation_id = ?
    """
    rows = database.rows(conn, query, [distillation_id])
    if not rows:
        return None
    verdicts = [row["verdict"] for row in rows if row["verdict"]]
    unsaid = [row for row in rows if not row["verdict"]]
    skipped = sum(row["skipped"] > 0 and row["state"] == "waiting" for row in unsaid)
    return SpotCheck(
        rate=intervals.rate(verdicts.count("pass"), len(verdicts)),
        left=len(unsaid) - skipped,
        skipped=skipped,
        failed={row["answer_id"] for row in rows if row["verdict"] == "fail"},
    )


def decide(
    conn: duckdb.DuckDBPyConnection, *, by: Person, distillation_id: str, approved: bool, reason: str = ""
) -> int:
    """Approve the batch as a whole, or reject it; returns how many samples were approved.

    Left out are answers that failed the check, samples that people have decided about, and those whose question is a
    locked one or another one of the batch. Raises Refusal before the check is done, and without a reason to reject.
    """
    roles.require(by, "approve")
    known = distillations.undecided(conn, distillation_id)
    check = spot_check(conn, distillation_id)
    if check is None or check.left or not check.rate.n:
        raise Refusal(
            N_("The check is not done: %(left)s answers wait to be judged. Judge them under Review, Rate."),
            left=check.left if check else 0,
        )
    if not approved and not reason.strip():
        raise Refusal(N_("A rejection needs a reason. Say in a few words what is wrong."))
    rows = _to_approve(conn, known, check.failed) if approved else []
    if approved and not rows:
        raise Refusal(N_("Nothing of this batch is left to approve: people have decided about all of it already."))
    row: dict[str, Any] = {"distillation_id": distillation_id, "decision": "approved" if approved else "rejected"}
    row |= {"passed": round((check.rate.value or 0) * check.rate.n), "checked": check.rate.n, "approved": len(rows)}
    row |= {"reason": reason.strip(), "decided_by": by.person_id, "decided_at": database.now()}
    act, detail = f"distillation.{row['decision']}", {name: row[name] for name in ("passed", "checked", "reason")}
    detail["samples"] = [one["sample_id"] for one in rows]
    with audit.change(conn, actor=by.person_id, act=act, subject=distillation_id, detail=detail):
        database.insert(conn, "distillation_decisions", [row])
        approvals.add(conn, rows, by=by, decision="approved", reason=reason.strip())
    return len(rows)


def _to_approve(
    conn: duckdb.DuckDBPyConnection, known: Mapping[str, Any], failed: Collection[str]
) -> list[dict[str, Any]]:
    query = """
        select p.task_id, k.sample_id, k.answer_id, a.text as completion, p.input, p.context
        from distilled_answers as k join answers as a using (answer_id) join samples as p on p.sample_id = k.sample_id
        left join latest_approvals as d on d.sample_id = k.sample_id
        where k.distillation_id = ? and coalesce(d.decision, 'withdrawn') = 'withdrawn' order by p.key, k.sample_id
    """
    rows = [row for row in database.rows(conn, query, [known["distillation_id"]]) if row["answer_id"] not in failed]
    query = "select input from samples where task_id = ? and split in ('gate', 'retain')"
    locked = [text for (text,) in conn.execute(query, [known["task_id"]]).fetchall()]
    alike = {pair.train for pair in leakage.overlaps([row["input"] for row in rows], locked)}
    query = """
        select p.input, p.context from latest_approvals as d join samples as p using (sample_id)
        where d.task_id = ? and d.decision = 'approved'
    """
    asked = {_question(row) for row in database.rows(conn, query, [known["task_id"]])}
    kept = []
    for place, row in enumerate(rows):
        question = _question(row)
        if place in alike or question in asked:
            continue
        asked.add(question)
        kept.append({name: row[name] for name in ("task_id", "sample_id", "answer_id", "completion")})
    return [{**row, "rating_id": None, "origin": "as_is"} for row in kept]


def _question(row: Mapping[str, Any]) -> str:
    return leakage.normal(f"{row['input']}\n{row['context']}")
