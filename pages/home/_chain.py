"""Where a task stands on the chain, from its eval set to its release, and what to do next."""

from dataclasses import dataclass
from typing import Literal

import duckdb

from core.diagnosis.verdicts import Sentence
from core.evaluation import eval_sets, models, results, runs
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.release import plans, proofs, sign_offs
from core.review import approvals, queues
from core.training import trials
from pages._ui import parts, remembered

State = Literal["done", "now", "running", "later"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One station: its name, how far it is, and a few words on that. Texts are gettext ids with their fields."""

    name: str
    state: State
    words: Sentence
    verdict: Sentence | None = None
    """The finding of the station, as a whole sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The one thing to do next, and the page where it is done."""

    words: Sentence
    page: str


def stations(conn: duckdb.DuckDBPyConnection, task: Task) -> list[Station]:
    """The stations in their order; the first that is neither done nor running is `now`."""
    found = [*_evidence(conn, task), *_training(conn, task), _signed(conn, task)]
    first = next((place for place, one in enumerate(found) if one.state == "later"), None)
    if first is not None and not any(one.state == "running" for one in found):
        one = found[first]
        found[first] = Station(name=one.name, state="now", words=one.words, verdict=one.verdict)
    return found


def _evidence(conn: duckdb.DuckDBPyConnection, task: Task) -> list[Station]:
    counts = [one.counts for one in eval_sets.of_task(conn, task.task_id)]
    samples = sum(sum(one.values()) for one in counts)
    ladder = _ladder_runs(conn, task)
    answered, planned = sum(run["answered"] for run in ladder), sum(run["planned"] for run in ladder)
    words = Sentence(N_("%(count)s samples ready"), {"count": str(samples)})
    if not any(one.get("dev") or one.get("train") for one in counts):  # what is there only watches for losses
        words = Sentence(N_("no questions yet"), {})
    if ladder:
        words = Sentence(N_("%(done)s of %(all)s answers"), {"done": str(answered), "all": str(planned)})
    measured = bool(ladder) and answered == planned
    running = bool(ladder) and parts.is_open(ladder[0]["job_id"])
    approved = len(approvals.approved(conn, task.task_id))
    verdict, diagnosed = None, N_("after the ladder")
    if measured:
        diagnosed = N_("from the ladder") if len(ladder) > 1 else N_("one prompt only, nothing to compare")
        verdict = remembered.call(results.judge_ladder, task, ladder).sentence if len(ladder) > 1 else None
    return [
        Station(name=N_("Evaluate"), state="running" if running else "done" if measured else "later", words=words),
        Station(
            name=N_("Rate and approve"),
            state="done" if approved else "later",
            words=Sentence(N_("%(count)s samples approved"), {"count": str(approved)}),
        ),
        Station(
            name=N_("Diagnose"),
            state="done" if measured else "later",
            words=Sentence(diagnosed, {}),
            verdict=verdict,
        ),
    ]


def _training(conn: duckdb.DuckDBPyConnection, task: Task) -> list[Station]:
    trial = next(iter(trials.of_task(conn, task.task_id)), None)
    running = trial is not None and parts.is_open(trial["job_id"])
    made = trial is not None and trial["model_id"] is not None
    report = plans.report(conn, trial["trial_id"]) if trial and made else None
    hidden = trial is not None and report is None and plans.complete(conn, trial["trial_id"])
    proof_jobs = {run["job_id"] for run in proofs.runs_of(conn, trial["trial_id"])} if trial else set()
    proving = report is None and any(map(parts.is_open, proof_jobs))
    learnt = Sentence(N_("nothing trained yet"), {})
    if trial is not None:
        learnt = Sentence(N_("on %(count)s approved samples"), {"count": str(trial["row_count"])})
    return [
        Station(name=N_("Train"), state="running" if running else "done" if made else "later", words=learnt),
        Station(
            name=N_("Prove"),
            state="running" if proving else "done" if report or hidden else "later",
            words=Sentence(
                N_("before and after compared")
                if report
                else N_("hidden until a plan is signed")
                if hidden
                else N_("after training"),
                {},
            ),
            verdict=report.proof.sentence if report else None,
        ),
    ]


def _signed(conn: duckdb.DuckDBPyConnection, task: Task) -> Station:
    case = next(iter(sign_offs.of_task(conn, task.task_id)), None)
    state = sign_offs.state(conn, case) if case else None
    words = {
        None: N_("nothing decided yet"),
        "open": N_("waits for signatures"),
        "approved": N_("approved"),
        "overridden": N_("approved against the gate"),
        "rejected": N_("rejected"),
        "insufficient": N_("not enough evidence"),
    }
    done: State = "later" if state is None else "running" if state == "open" else "done"
    return Station(name=N_("Sign off"), state=done, words=Sentence(words[state], {}))


def next_step(conn: duckdb.DuckDBPyConnection, task: Task, found: list[Station]) -> Step:
    """What brings this task on, given its stations."""
    evaluate, approve, _diagnose, train, prove, signed = found[:6]
    counts = [one.counts for one in eval_sets.of_task(conn, task.task_id)]
    if not any(one.get("dev") or one.get("train") for one in counts):
        return Step(words=Sentence(N_("Next: import the questions"), {}), page="evaluation/eval_sets.py")
    if not models.offered(conn):
        return Step(words=Sentence(N_("Next: add a model"), {}), page="evaluation/models.py")
    if evaluate.state != "done":
        words = N_("See how far the ladder is") if evaluate.state == "running" else N_("Next: run the ladder")
        return Step(words=Sentence(words, {}), page="evaluation/runs.py")
    if "running" in (train.state, prove.state):
        return Step(words=Sentence(N_("See how far the training is"), {}), page="training/trial.py")
    if prove.state == "done" and signed.state != "done":
        decide, sign = N_("Agree on a plan and decide with signatures"), N_("Sign the decision")
        words = sign if signed.state == "running" else decide
        return Step(words=Sentence(words, {}), page="release/sign_off.py")
    if prove.state == "done":
        return Step(words=Sentence(N_("Look at before and after"), {}), page="release/before_after.py")
    if waiting := len(approvals.candidates(conn, task.task_id)):
        words = Sentence(N_("Next: approve %(count)s samples"), {"count": str(waiting)})
        return Step(words=words, page="review/approvals.py")
    if approve.state == "done":
        return Step(words=Sentence(N_("Next: start a trial fine-tune"), {}), page="training/trial.py")
    if queues.of_task(conn, task.task_id, ""):
        return Step(words=Sentence(N_("Next: rate answers"), {}), page="review/rate.py")
    return Step(words=Sentence(N_("Next: collect answers for people to judge"), {}), page="evaluation/runs.py")


def _ladder_runs(conn: duckdb.DuckDBPyConnection, task: Task) -> list[dict[str, object]]:
    latest = runs.latest(conn, task.task_id, "ladder")
    eval_set = eval_sets.find(conn, latest["eval_set_id"]) if latest else None
    return runs.latest_ladder(conn, task.task_id, eval_set.name) if eval_set else []
