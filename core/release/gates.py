"""The gate of a release: every condition that was agreed, each with its numbers. A judge has no part in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from core.diagnosis import intervals, verdicts
from core.diagnosis.verdicts import Comparison, Sentence
from core.locale.mark import N_
from core.release import breakages, labels, plans
from core.release.labels import Labels
from core.release.proofs import Report
from core.store import database

State = Literal["passed", "failed", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition: its name, whether it holds, and the numbers behind that."""

    name: str
    state: State
    words: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """All conditions; it is passed when every one holds."""

    checks: tuple[Check, ...]
    labels: Labels
    report: Report

    @property
    def passed(self) -> bool:
        return all(check.state == "passed" for check in self.checks)

    @property
    def waiting(self) -> tuple[Check, ...]:
        """What people still have to do before anything but "not enough evidence" can be decided."""
        return tuple(check for check in self.checks if check.state == "waiting")


NAMES = {
    "plan": N_("Plan signed before the results"),
    "n": N_("As many samples as agreed"),
    "better": N_("Better on the gate samples"),
    "retain": N_("Nothing else broke"),
    "format": N_("Format is stable"),
    "critical": N_("No critical sample broke"),
    "labels": N_("People have judged both versions"),
    "broken": N_("Every newly broken sample is answered"),
}


def judge(conn: duckdb.DuckDBPyConnection, trial_id: str) -> Gate | None:
    """The gate as it stands; None before a plan is signed and every answer is in."""
    plan = plans.current(conn, trial_id)
    report = plans.report(conn, trial_id) if plan else None
    if plan is None or report is None:
        return None
    terms = plan["terms"]
    said = labels.given(conn, trial_id, terms.labels, terms)
    checks = (
        _plan(conn, trial_id, report, terms),
        _n(report, terms),
        _better(report.gate),
        _retain(report.retain),
        _format(conn, report, terms),
        _critical(report, terms),
        _labels(said),
        _broken(conn, trial_id, report),
    )
    return Gate(checks=checks, labels=said, report=report)


def _check(check: str, state: bool | State, message: str, **values: Any) -> Check:
    held: State = ("passed" if state else "failed") if isinstance(state, bool) else state
    return Check(name=check, state=held, words=Sentence(message, {key: str(value) for key, value in values.items()}))


def _plan(conn: duckdb.DuckDBPyConnection, trial_id: str, report: Report, terms: plans.Terms) -> Check:
    versions = plans.versions(conn, trial_id)
    late = sum(one["late"] for one in versions)
    if {run["eval_set_id"] for run in report.runs} - set(terms.sets):
        return _check("plan", False, N_("The proof ran on other sets than the plan names."))
    if late:
        message = N_("%(count)s amendments were signed after the results could be seen.")
        return _check("plan", False, message, count=late)
    message = N_("Signed by %(name)s; %(amendments)s amendments.")
    name = versions[0]["signature"]["printed_name"]
    return _check("plan", True, message, name=name, amendments=len(versions) - 1)


def _n(report: Report, terms: plans.Terms) -> Check:
    gate, retain = report.gate.paired.n, report.retain.paired.n if report.retain else 0
    message = N_("%(gate)s of %(n)s gate samples and %(retain)s of %(retain_n)s retain samples are compared.")
    values = {"gate": gate, "n": terms.n, "retain": retain, "retain_n": terms.retain_n}
    return _check("n", gate >= terms.n and retain >= terms.retain_n, message, **values)


def _better(gate: Comparison) -> Check:
    return Check(name="better", state="passed" if "better" in gate.verdicts else "failed", words=gate.sentence)


def _retain(retain: Comparison | None) -> Check:
    if retain is None or not retain.paired.n:
        return _check("retain", False, N_("Whether anything else broke was not measured."))
    held: State = "passed" if "nothing_broke" in retain.verdicts else "failed"
    return Check(name="retain", state=held, words=retain.sentence)


def _format(conn: duckdb.DuckDBPyConnection, report: Report, terms: plans.Terms) -> Check:
    query = """
        select avg(c.value) as value from answers as a join runs as r using (run_id) join scores as c using (answer_id)
        where r.trial_id = $trial and r.purpose = 'proof' and r.split = 'gate' and r.side = 'after'
            and c.metric = 'valid' and c.value is not null
        group by a.sample_id
    """
    values = [row["value"] for row in database.rows(conn, query, {"trial": report.trial["trial_id"]})]
    rate = intervals.mean_rate(values)
    if rate.value is None:
        return _check("format", True, N_("These answers have no format of their own to keep."))
    pair = report.pairs.get(("gate", "valid"))
    message = N_(
        "%(share)s of the new answers on %(n)s gate samples are valid, 95%% interval %(low)s to %(high)s; "
        "%(wanted)s was agreed."
    )
    shares = {"share": rate.value, "low": rate.low, "high": rate.high, "wanted": terms.format_share}
    worded = {name: verdicts.percent(share) for name, share in shares.items()}
    held = rate.value >= terms.format_share and not (pair is not None and "worse" in pair.verdicts)
    return _check("format", held, message, n=rate.n, **worded)


def _critical(report: Report, terms: plans.Terms) -> Check:
    critical = set(terms.critical)
    flipped = [one for one in breakages.broken(report) if one.critical or one.sample_id in critical]
    message = N_("%(broken)s of %(count)s critical samples broke.")
    return _check("critical", not flipped, message, broken=len(flipped), count=len(critical))


def _labels(said: Labels) -> Check:
    if not said.enough:
        message = N_("%(there)s of %(wanted)s samples are judged by people on both versions.")
        return _check("labels", "waiting", message, there=said.samples, wanted=said.wanted)
    state: State = "failed" if "worse" in said.comparison.verdicts else "passed"
    words = said.comparison.sentence
    message = N_("People judged %(n)s samples on both versions: %(gain)s points, 95%% interval %(low)s to %(high)s.")
    kept = {name: words.values.get(name, "0") for name in ("n", "gain", "low", "high")}
    return _check("labels", state, message, **kept)


def _broken(conn: duckdb.DuckDBPyConnection, trial_id: str, report: Report) -> Check:
    found, said = breakages.broken(report), breakages.answered(conn, trial_id)
    blockers = _count(found, said, "blocker")
    message = N_("%(answered)s of %(count)s newly broken samples are answered; %(blockers)s are blockers.")
    accepted = _count(found, said, "accepted")
    values = {"answered": accepted + blockers, "count": len(found), "blockers": blockers}
    if accepted + blockers < len(found):
        return _check("broken", "waiting", message, **values)
    return _check("broken", not blockers, message, **values)


def _count(found: Sequence[Any], said: dict[str, dict[str, Any]], answer: str) -> int:
    return sum(said.get(flip.sample_id, {}).get("answer") == answer for flip in found)
