"""Approvals: a named person declares "this answer, as corrected, is what we want". The only door into training."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.review import blindness, obstacles
from core.store import audit, database
from core.training import withdrawals


def candidates(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """Train samples with a passed or corrected answer and no decision yet, one row per sample.

    An answer comes here once its item in a queue is done: everybody asked has passed it (`passed` people), everybody
    has failed it and somebody corrected it (`corrections` different ones; the newest counts), or a lead has decided
    (`decided`). `completion` is the text to approve, `origin` says whether it is the answer as it is or a correction,
    and `written` whose words that is (as in core/review/repair.py), with the `rewriter` if a model wrote or began it
    in so many `rounds`; the newest judgement of a sample counts. Who may still judge an answer is not shown it: see
    blindness.shown.
    """
    return database.rows(conn, _CANDIDATES, {"task": task_id})


_CANDIDATES = """
    with judged as (
        select r.answer_id, r.rating_id, r.rater, r.correction, r.rated_at as judged_at, i.passed, false as decided,
            r.origin as written, r.rewrite_id,
            len(list(distinct r.correction) over (partition by r.queue_id, r.answer_id)) as corrections
        from queue_states as i join queue_ratings as r on r.queue_id = i.queue_id and r.answer_id = i.answer_id
        where i.state = 'done' and i.decision is null
            and (r.verdict = 'pass' or (r.verdict = 'fail' and r.correction is not null))
        union all
        select answer_id, null, decided_by, correction, decided_at, 0, true, origin, rewrite_id, 1 from queue_decisions
        where verdict = 'pass' or correction is not null
    )
    select p.sample_id, p.key, a.answer_id, j.rating_id, j.rater, j.passed, j.corrections, j.decided, p.input,
        p.context, p.reference, p.tags, a.text as answer, coalesce(j.correction, a.text) as completion,
        case when j.correction is null then 'as_is' else 'corrected' end as origin, j.written, j.rewrite_id,
        m.name as rewriter, w.round as rounds
    from judged as j join answers as a using (answer_id) join samples as p using (sample_id)
    left join latest_approvals as d on d.sample_id = p.sample_id
    left join rewrites as w on w.rewrite_id = j.rewrite_id left join models as m on m.model_id = w.model_id
    where p.task_id = $task and p.split = 'train' and (
            coalesce(d.decision, 'withdrawn') = 'withdrawn'
            or (d.decision = 'rejected' and j.judged_at > d.decided_at)  -- judged anew since
        )
    qualify row_number() over (partition by p.sample_id order by j.judged_at desc, j.rating_id desc) = 1
    order by j.judged_at, j.rating_id
"""


def look(conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, sample_ids: Sequence[str]) -> None:
    """Note that the person has seen the texts that these candidates would have approved now."""
    roles.require(by, "approve")
    known = seen(conn, by, task_id)
    rows = [row for row in candidates(conn, task_id) if row["sample_id"] in set(sample_ids) - known]
    if not rows:
        return
    blindness.refuse_open(conn, by.person_id, [row["answer_id"] for row in rows])
    detail = {"samples": [row["sample_id"] for row in rows]}
    with audit.change(conn, actor=by.person_id, act="samples.seen", subject=task_id, detail=detail):
        looks = [
            {
                "person_id": by.person_id,
                "sample_id": row["sample_id"],
                "text_hash": content.digest(row["completion"]),
                "looked_at": database.now(),
            }
            for row in rows
        ]
        database.insert(conn, "looks", looks)


def seen(conn: duckdb.DuckDBPyConnection, person: Person, task_id: str) -> set[str]:
    """The candidates whose text the person has looked at; one whose text has changed since has to be looked at anew."""
    query = "select sample_id, text_hash from looks where person_id = ?"
    looked = set(conn.execute(query, [person.person_id]).fetchall())
    return {
        row["sample_id"]
        for row in candidates(conn, task_id)
        if (row["sample_id"], content.digest(row["completion"])) in looked
    }


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

    Raises Refusal when one is not a candidate (any more), while one waits for the person's own judgement, when a
    rejection has no reason, when several are approved of which the person has not seen each, or when something stands
    against an approval (see obstacles.of).
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
    blindness.refuse_open(conn, by.person_id, [open_now[sample]["answer_id"] for sample in sample_ids])
    if decision == "approved":
        wanted = [open_now[sample] for sample in dict.fromkeys(sample_ids)]
        if len(wanted) > 1 and (unseen := {row["sample_id"] for row in wanted} - seen(conn, by, task_id)):
            raise Refusal(
                N_("%(count)s of these you have not looked at, or their text has changed since. Look at them first."),
                count=len(unseen),
            )
        obstacles.refuse(conn, task_id, wanted)
    rows = [{**open_now[sample], "task_id": task_id} for sample in dict.fromkeys(sample_ids)]
    with audit.change(
        conn,
        actor=by.person_id,
        act=f"samples.{decision}",
        subject=task_id,
        detail={"samples": [row["sample_id"] for row in rows], "reason": reason.strip()},
    ):
        add(conn, rows, by=by, decision=decision, reason=reason.strip())
    return len(rows)


def add(
    conn: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]], *, by: Person, decision: str, reason: str = ""
) -> None:
    """The bare rows, for a caller that is inside a change already and has checked them."""
    said = {"decision": decision, "reason": reason, "decided_by": by.person_id, "decided_at": database.now()}
    what = [
        {name: row[name] for name in _WHAT}
        | {"written": row.get("written", "none"), "rewrite_id": row.get("rewrite_id")}
        for row in rows
    ]
    database.insert(conn, "approvals", [{**row, **said} for row in what])


_WHAT = ("task_id", "sample_id", "answer_id", "rating_id", "completion", "origin")


def withdraw(conn: duckdb.DuckDBPyConnection, *, by: Person, task_id: str, sample_id: str, reason: str) -> None:
    """Take an approval back. Training sets frozen before keep it, and every model that learned from it is marked.

    Raises Refusal without a reason.
    """
    roles.require(by, "approve")
    if not reason.strip():
        raise Refusal(N_("A withdrawal needs a reason. Say in a few words what is wrong."))
    latest = next((row for row in approved(conn, task_id) if row["sample_id"] == sample_id), None)
    if latest is None:
        raise Refusal(N_("This sample is not approved, so there is nothing to withdraw."))
    models = withdrawals.learned_from(conn, sample_id)
    detail = {"samples": [sample_id], "models": models, "reason": reason.strip()}
    with audit.change(conn, actor=by.person_id, act="samples.withdrawn", subject=task_id, detail=detail):
        add(conn, [latest], by=by, decision="withdrawn", reason=reason.strip())


def approved(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """The samples approved now, one row each, in the order of their approval, with `input` and `answer`.

    Where a teacher wrote the answer, `teacher` is its name, `licence` the note on it, and `student_run_id` a run in
    which the student answered; else they are None. `written`, `rewriter` and `rounds` are as for candidates.
    """
    query = """
        select d.*, p.key, p.input, p.context, p.reference, p.split, p.fields, p.tags, p.group_id, a.text as answer,
            t.teacher, t.licence, t.student_run_id, m.name as rewriter, w.round as rounds
        from latest_approvals as d join samples as p using (sample_id) join answers as a using (answer_id)
        left join distillations as t on t.run_id = a.run_id
        left join rewrites as w on w.rewrite_id = d.rewrite_id left join models as m on m.model_id = w.model_id
        where d.task_id = $task and d.decision = 'approved' order by d.approval_id
        """
    return database.rows(conn, query, {"task": task_id})
