"""Release plans: what has to be shown before anybody knows what was found.

Nobody sees a proof's numbers before its plan is signed. Who wants to look without one may, and it is written down:
nothing can be signed off on that trial any more. Changes of a plan are amendments: new versions, signed, with a
reason, on every report.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import eval_sets, tasks
from core.locale.mark import N_
from core.release import proofs, signatures
from core.release.proofs import Report
from core.release.signatures import Signing
from core.store import audit, database
from core.training import trials

JudgeUse = Literal["none", "triage"]
"""A judge may sort what people look at first. It never decides: no plan can say more."""

FORMAT_SHARE = 0.95
LABELS = 20

NO_TRIAL = N_("There is no such trial. Choose one under Release, Sign-off.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed. Shares and gains lie in 0..1.

    `n` and `retain_n` are the samples compared at least; `format_share` of the new answers are valid at least;
    `labels` gate samples are judged by people on both versions; none of the `critical` samples may break.
    """

    metric: str
    smallest_gain: float
    margin: float
    n: int
    retain_n: int
    format_share: float = FORMAT_SHARE
    labels: int = LABELS
    judge: JudgeUse = "none"
    sets: tuple[str, ...] = ()
    critical: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.judged_by()
        if not (0 < self.smallest_gain <= 1 and 0 < self.margin <= 1 and 0 <= self.format_share <= 1):
            raise Refusal(
                N_("Gain and margin lie between 1 and 100 points, the format share between 0 and 100 percent.")
            )
        if self.n < 1 or self.retain_n < 1 or self.labels < 1:
            raise Refusal(
                N_("A plan needs gate samples, retain samples and samples judged by people: at least one of each.")
            )
        if self.judge not in get_args(JudgeUse):
            raise Refusal(N_("A judge may only sort what people read first; it cannot decide. Choose one of the two."))

    def judged_by(self) -> tasks.Plan:
        """The part that the statistics need. Raises Refusal on a metric that proves nothing."""
        return tasks.Plan(metric=self.metric, smallest_gain=self.smallest_gain, margin=self.margin)


def draft(conn: duckdb.DuckDBPyConnection, trial_id: str) -> Terms:
    """The task's own plan over all samples there are, to be changed before it is signed."""
    trial = trials.find(conn, trial_id)
    if trial is None:
        raise Refusal(NO_TRIAL)
    task = tasks.find(conn, trial["task_id"])
    own = eval_sets.find(conn, trial["eval_set_id"])
    if task is None or own is None:
        raise LookupError("A trial is saved after its task and its set.")
    others = [one for one in eval_sets.of_task(conn, task.task_id) if one.counts.get("retain")]
    n, sets = own.counts.get("gate", 0), sorted({own.eval_set_id, *(one.eval_set_id for one in others)})
    query = """
        select sample_id from eval_set_samples join samples using (sample_id)
        where list_contains($sets, eval_set_id) and critical
            and (split = 'retain' or (split = 'gate' and eval_set_id = $own)) order by sample_id
    """
    critical = conn.execute(query, {"sets": sets, "own": own.eval_set_id}).fetchall()
    return Terms(
        metric=task.plan.metric,
        smallest_gain=task.plan.smallest_gain,
        margin=task.plan.margin,
        n=max(n, 1),
        retain_n=max(sum(one.counts["retain"] for one in others), 1),
        labels=max(min(LABELS, n), 1),
        sets=tuple(sets),
        critical=tuple(sample for (sample,) in critical),
    )


def digest(trial_id: str, terms: Terms) -> str:
    """What a signature under this plan is bound to."""
    return content.digest({"trial": trial_id, "terms": asdict(terms)})


def sign(conn: duckdb.DuckDBPyConnection, trial_id: str, terms: Terms, signing: Signing, *, by: Person) -> str:
    """Agree on the plan, or amend the one there is; returns the plan's id. The form's subject is the trial.

    Raises Refusal when somebody has looked at the results without a plan, or when a decision was signed on them.
    """
    roles.require(by, "plan.sign")
    bound = digest(trial_id, terms)
    signer = signatures.authenticate(conn, signing, "plan.sign", by=by, subject=trial_id, digest=bound)
    plan_id = content.name("plan", {"trial": trial_id, "terms": asdict(terms), "nonce": str(database.now())})
    with audit.change(conn, actor=signer.person_id, act="plan.signed", subject=trial_id) as detail:
        _check_open(conn, trial_id, terms)
        version = len(versions(conn, trial_id)) + 1
        detail |= {"plan": plan_id, "version": version, "terms": asdict(terms)}
        row = {"plan_id": plan_id, "trial_id": trial_id, "version": version, "terms": content.canonical(asdict(terms))}
        row |= {"reason": signing.reason.strip(), "proposed_by": signer.person_id, "proposed_at": database.now()}
        database.insert(conn, "release_plans", [row])
        detail["signature"] = signatures.insert(
            conn,
            signing,
            signer,
            kind="plan",
            subject=plan_id,
            digest=bound,
            meaning="authored",
            independent=False,
        )
    return plan_id


def _check_open(conn: duckdb.DuckDBPyConnection, trial_id: str, terms: Terms) -> None:
    trial = trials.find(conn, trial_id)
    if trial is None:
        raise Refusal(NO_TRIAL)
    if opened(conn, trial_id):
        raise Refusal(
            N_(
                "Somebody has looked at these results without a plan, so a plan would prove nothing any more. "
                "Start another trial and sign its plan first."
            )
        )
    if database.row(conn, "select 1 as one from sign_offs where trial_id = ?", [trial_id]):
        raise Refusal(N_("This trial was put up for sign-off, so its plan stands. Start another trial to change it."))
    before = current(conn, trial_id)
    if before is not None and before["terms"] == terms:
        raise Refusal(N_("This plan is signed already and nothing in it was changed."))
    own = eval_sets.find(conn, trial["eval_set_id"])
    if own is not None and terms.n > own.counts.get("gate", 0):
        raise Refusal(
            N_("The plan asks for %(n)s gate samples, but the set has %(there)s. Ask for fewer, or import more."),
            n=terms.n,
            there=own.counts.get("gate", 0),
        )


def versions(conn: duckdb.DuckDBPyConnection, trial_id: str) -> list[dict[str, Any]]:
    """The plan and its amendments, the oldest first, each with `terms` and `signature`.

    `late` marks an amendment from after the results could be seen; every report says so.
    """
    query = """
        select *, version > 1 and (
            select bool_and((select count(*) from answers as a
                where a.run_id = r.run_id and coalesce(a.stored_at, p.proposed_at) <= p.proposed_at) >= r.planned)
            from runs as r where r.trial_id = p.trial_id and r.purpose = 'proof'
        ) is true as late
        from release_plans as p where trial_id = ? order by version
    """
    found = []
    for row in database.rows(conn, query, [trial_id]):
        signed = signatures.of(conn, "plan", row["plan_id"])
        found.append({**row, "terms": _terms(row["terms"]), "signature": signed[0]})
    return found


def _terms(text: str) -> Terms:
    written = json.loads(text)
    return Terms(**{one.name: _frozen(written[one.name]) for one in fields(Terms)})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def current(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, Any] | None:
    """The plan that counts, as `versions` gives it, or None."""
    return next(iter(reversed(versions(conn, trial_id))), None)


def changed(before: Terms, after: Terms) -> list[tuple[str, Any, Any]]:
    """What an amendment changed: (field, old value, new value)."""
    names = [one.name for one in fields(Terms)]
    return [
        (name, getattr(before, name), getattr(after, name))
        for name in names
        if getattr(before, name) != getattr(after, name)
    ]


def open_without(conn: duckdb.DuckDBPyConnection, trial_id: str, *, by: Person) -> None:
    """Look at the results without a plan. Nothing can be signed off on this trial from now on."""
    roles.require(by, "read")
    if current(conn, trial_id) is not None or opened(conn, trial_id):
        return
    with audit.change(conn, actor=by.person_id, act="result.opened", subject=trial_id):
        row = {"trial_id": trial_id, "opened_by": by.person_id, "opened_at": database.now()}
        database.insert(conn, "openings", [row])


def opened(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, Any] | None:
    """Who looked at the results without a plan, and when; None if nobody did."""
    return database.row(conn, "select * from openings where trial_id = ?", [trial_id])


def report(conn: duckdb.DuckDBPyConnection, trial_id: str) -> Report | None:
    """The proof as people may see it: judged by its plan; None before a plan is signed and every answer is in."""
    plan = current(conn, trial_id)
    if plan is None and not opened(conn, trial_id):
        return None
    return proofs.report(conn, trial_id, plan["terms"].judged_by() if plan else None)


def complete(conn: duckdb.DuckDBPyConnection, trial_id: str) -> bool:
    """Whether every planned answer is in, whatever they say."""
    found = proofs.runs_of(conn, trial_id)
    return bool(found) and all(run["answered"] >= run["planned"] for run in found)
