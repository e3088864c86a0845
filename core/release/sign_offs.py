"""Sign-offs: a decision on one trial, signed by people who can be held to it, bound to all that it rests on.

The order is fixed: plan, proof, broken samples answered, put up, signed, released. Whoever is involved (see
`involvement`) cannot be the only one who approves; no role changes that.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal
from uuid import uuid4

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.release import aids, differences, evidence, gates, involvement, plans, signatures
from core.release.gates import Gate
from core.release.signatures import Signing
from core.store import audit, database
from core.training import trials

State = Literal["open", "approved", "overridden", "rejected", "insufficient"]
Decision = Literal["approved", "overridden", "rejected", "insufficient"]
RELEASABLE: tuple[State, ...] = ("approved", "overridden")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """One case put up for decision. `evidence` is item -> hash, `digest` the hash over them, `findings` the numbers."""

    sign_off_id: str
    number: int
    task_id: str
    trial_id: str
    plan_id: str
    scope: str
    expires_on: date
    evidence: dict[str, str]
    evidence_version: int
    digest: str
    findings: dict[str, Any]
    kept: dict[str, Any]
    """The texts and file hashes that were signed, for `differences.of`; empty where they were not kept yet."""
    judges: list[dict[str, Any]]
    """The judges that read answers of the proof, as `aids.described` said of them then."""
    requested_by: str
    requested_at: Any


def request(conn: duckdb.DuckDBPyConnection, trial_id: str, *, by: Person, scope: str, expires_on: date) -> str:
    """Put the trial up for decision as it stands now; returns the sign-off's id.

    Raises Refusal before the plan is signed, all answers are in and every newly broken sample is answered, without a
    scope, with a day that has passed, and while another sign-off of the trial that still holds is open or has let it
    through.
    """
    roles.require(by, "sign_off.request")
    if not scope.strip():
        raise Refusal(N_("Say what the model may be used for. A sign-off without a scope covers everything."))
    if expires_on <= database.now().date():
        raise Refusal(N_("The day on which the sign-off ends has to lie ahead. Choose a later one."))
    gate = gates.judge(conn, trial_id)
    if gate is None:
        raise Refusal(N_("Sign the plan and wait until all answers are in; then the trial can be put up for sign-off."))
    if any(check.name == "broken" and check.state == "waiting" for check in gate.checks):
        raise Refusal(N_("Some newly broken samples are not answered yet. An expert has to read each of them first."))
    for earlier in of_trial(conn, trial_id):
        if stale(conn, earlier):
            continue  # nobody can sign or release that one any more
        if state(conn, earlier) == "open":
            raise Refusal(N_("This trial is put up for sign-off already. Sign that one."))
        if state(conn, earlier) in RELEASABLE:
            raise Refusal(N_("This trial is approved already. Release it."))
    plan, trial = plans.current(conn, trial_id), trials.find(conn, trial_id)
    if plan is None or trial is None:
        raise LookupError("A gate has a plan and a trial.")
    items = {**evidence.collect(conn, trial_id), "terms": evidence.terms(scope.strip(), expires_on)}
    row: dict[str, Any] = {"sign_off_id": uuid4().hex, "task_id": trial["task_id"], "trial_id": trial_id}
    row |= {"plan_id": plan["plan_id"], "scope": scope.strip(), "expires_on": expires_on}
    row |= {"evidence": content.canonical(items), "digest": evidence.digest(items)}
    row |= {"evidence_version": evidence.VERSION}
    found = {**findings(gate), "judges": aids.described(conn, trial_id), "kept": differences.kept(conn, trial_id)}
    row |= {"findings": content.canonical(found), "requested_by": by.person_id}
    detail = {"trial": trial_id, "scope": scope.strip(), "expires_on": str(expires_on), "digest": row["digest"]}
    with audit.change(conn, actor=by.person_id, act="sign_off.requested", subject=row["sign_off_id"], detail=detail):
        database.insert(conn, "sign_offs", [{**row, "requested_at": database.now()}])
    return str(row["sign_off_id"])


def findings(gate: Gate) -> dict[str, Any]:
    """The numbers of the gate for the record: the same digits come out of the same stored answers."""
    compared = {"gate": gate.report.gate, "retain": gate.report.retain, "people": gate.labels.comparison}
    return {
        "passed": gate.passed,
        "checks": [
            {"name": one.name, "state": one.state, "message": one.words.message, "values": dict(one.words.values)}
            for one in gate.checks
        ],
        "compared": {
            name: {"paired": asdict(one.paired), "before": asdict(one.before), "after": asdict(one.after)}
            for name, one in compared.items()
            if one is not None
        },
        "sentence": [gate.report.proof.sentence.message, dict(gate.report.proof.sentence.values)],
        "verdict": gate.report.proof.verdict,
        "failed_calls": gate.report.failures,
    }


def sign(
    conn: duckdb.DuckDBPyConnection, sign_off_id: str, decision: Decision, signing: Signing, *, by: Person
) -> State:
    """Sign the decision; returns the sign-off's state after it.

    Raises Refusal when it is decided, when the evidence is not what was put up, when an approval does not fit the
    gate, when the person signed before, or as `signatures.authenticate` does.
    """
    roles.require(by, "sign_off.sign")
    case = find(conn, sign_off_id)
    if case is None:
        raise Refusal(N_("There is no such sign-off. Choose one of the list."))
    signer = signatures.authenticate(
        conn, signing, "sign_off.sign", by=by, subject=form(sign_off_id, decision), digest=case.digest
    )
    with audit.change(conn, actor=signer.person_id, act="sign_off.signed", subject=sign_off_id) as detail:
        if state(conn, case) != "open":
            raise Refusal(N_("This sign-off is decided. Its decision stands; put the trial up again to decide anew."))
        if any(one["person_id"] == signer.person_id for one in signatures.of(conn, "sign_off", sign_off_id)):
            raise Refusal(N_("You have signed this already. Somebody else has to be the second."))
        if differing := [one for one in stale(conn, case) if one != "expired"]:
            raise Refusal(
                N_("The evidence has changed since it was put up (%(items)s). Put the trial up again."),
                items=", ".join(differing),
            )
        _check_decision(decision, case)
        detail["signature"] = signatures.insert(
            conn,
            signing,
            signer,
            kind="sign_off",
            subject=sign_off_id,
            digest=case.digest,
            meaning=decision,
            independent=signer.person_id not in involvement.of(conn, case.trial_id, case.requested_by),
        )
        detail["state"] = after = state(conn, case)
    return after


def form(sign_off_id: str, decision: Decision) -> str:
    """What the challenge of a signing form is about."""
    return f"{sign_off_id}:{decision}"


def _check_decision(decision: Decision, case: SignOff) -> None:
    if decision == "approved" and not case.findings["passed"]:
        raise Refusal(
            N_("The gate is not passed, so this cannot be approved. Reject it, or override the gate with a reason.")
        )
    if decision == "overridden" and case.findings["passed"]:
        raise Refusal(N_("The gate is passed, so there is nothing to override. Approve it or reject it."))


def state(conn: duckdb.DuckDBPyConnection, case: SignOff) -> State:
    """What the signatures under it come to.

    An approval needs an approver and somebody independent, who may be the same person; an override needs two people,
    one of them an approver and one independent. One signature rejects, or says that the evidence is not enough.
    """
    signed = signatures.of(conn, "sign_off", case.sign_off_id)
    for final in ("rejected", "insufficient"):
        if any(one["meaning"] == final for one in signed):
            return "rejected" if final == "rejected" else "insufficient"
    if _carried(signed, "approved", people=1):
        return "approved"
    if _carried(signed, "overridden", people=2):
        return "overridden"
    return "open"


def _carried(signed: list[dict[str, Any]], meaning: str, people: int) -> bool:
    theirs = [one for one in signed if one["meaning"] == meaning]
    enough = len({one["person_id"] for one in theirs}) >= people
    return enough and any("approver" in one["roles"] for one in theirs) and any(one["independent"] for one in theirs)


def find(conn: duckdb.DuckDBPyConnection, sign_off_id: str) -> SignOff | None:
    row = database.row(conn, "select * from sign_offs where sign_off_id = ?", [sign_off_id])
    return _case(row) if row else None


def of_trial(conn: duckdb.DuckDBPyConnection, trial_id: str) -> list[SignOff]:
    """The trial's sign-offs, the newest first."""
    query = "select * from sign_offs where trial_id = ? order by number desc"
    return [_case(row) for row in database.rows(conn, query, [trial_id])]


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[SignOff]:
    """The task's sign-offs, the newest first."""
    query = "select * from sign_offs where task_id = ? order by number desc"
    return [_case(row) for row in database.rows(conn, query, [task_id])]


def _case(row: dict[str, Any]) -> SignOff:
    found = json.loads(row["findings"])
    beside = {"kept": found.pop("kept", {}), "judges": found.pop("judges", [])}
    return SignOff(**{**row, "evidence": evidence.items(row["evidence"]), "findings": found, **beside})


def lapsed(conn: duckdb.DuckDBPyConnection, case: SignOff) -> list[str]:
    """Why the record of the sign-off does not hold any more: `expired`, and each item of the evidence that changed."""
    late = ["expired"] if case.expires_on <= database.now().date() else []
    terms = evidence.terms(case.scope, case.expires_on)
    late += ["terms"] if case.evidence.get("terms", terms) != terms else []
    return [*late, *evidence.changed(conn, case.trial_id, case.evidence, case.evidence_version)]


def stale(conn: duckdb.DuckDBPyConnection, case: SignOff) -> list[str]:
    """Why the sign-off does not hold any more: as `lapsed`, and `base` or `adapter` where its files on the disk are not
    those that were signed."""
    found, altered = lapsed(conn, case), evidence.altered(conn, case.trial_id, case.requested_at)
    return [one for one in ("expired", *evidence.ITEMS) if one in found or one in altered]


def difference(conn: duckdb.DuckDBPyConnection, case: SignOff) -> dict[str, list[str]]:
    """item -> the lines that are gone (-) and new (+) since it was signed, of those items that changed."""
    items = stale(conn, case)
    return differences.of(conn, case.trial_id, case.kept, items, case.requested_at) if items else {}
