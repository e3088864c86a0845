"""Runs: eval set version x split x prompt x model, with one answer per sample and repeat or a recorded failure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import uuid4

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import answers, decodings, retrieving
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Ladder, Prompt
from core.evaluation.retrieving import Retrieval
from core.generation.base import Decoding
from core.intake.importing import Split
from core.jobs import jobs
from core.locale.mark import N_
from core.settings import Settings
from core.store import audit, database

Purpose = Literal["ladder", "collect", "proof", "matrix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run that is wanted. Raises Refusal when it looks passages up and its prompt has no place for them."""

    eval_set: EvalSet
    split: Split
    rung: str
    prompt: Prompt
    model: Model
    purpose: Purpose
    trial_id: str | None = None
    side: Literal["before", "after"] | None = None
    retrieval: Retrieval | None = None

    def __post_init__(self) -> None:
        if self.retrieval is not None:
            self.retrieval.check(self.prompt)


def start(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    title: str,
    values: Mapping[str, Any],
    plans: Sequence[Plan],
    decoding: Decoding | None = None,
    repeats: int = 1,
    spec: Mapping[str, Any] | None = None,
) -> str:
    """Queue one generate job for all the runs, so that a model is loaded once; returns the job's id."""
    roles.require(by, "run.start")
    job = new_job(plans[0].eval_set.task_id, by.person_id, title, values, spec)
    with audit.change(conn, actor=by.person_id, act="run.started", subject=job.job_id) as detail:
        detail["runs"] = add(conn, job=job, plans=plans, decoding=decoding, repeats=repeats)
    return job.job_id


def new_job(
    task_id: str, by: str, title: str, values: Mapping[str, Any], spec: Mapping[str, Any] | None = None
) -> jobs.Job:
    """A generate job, not queued yet. Its spec may hold `cap` (money), `fresh` (copy nothing) and `round`."""
    named: dict[str, Any] = {"job_id": uuid4().hex, "kind": "generate", "task_id": task_id, "by": by}
    return jobs.Job(**named, title=title, values=values, spec=spec or {})


def add(
    conn: duckdb.DuckDBPyConnection,
    *,
    job: jobs.Job,
    plans: Sequence[Plan],
    decoding: Decoding | None = None,
    repeats: int = 1,
) -> list[str]:
    """The bare rows of a job and its runs, for a caller that is inside a change already; returns the run ids.

    Without a decoding, all runs of the job share the one that its sets need.
    """
    decoding = decoding or decodings.of_sets(conn, [plan.eval_set for plan in plans])
    rows = []
    for plan in plans:
        wanted = plan.eval_set.counts.get(plan.split, 0) * repeats
        if not wanted:
            raise Refusal(
                N_(
                    "The eval set “%(name)s” has no samples in the split “%(split)s”. "
                    "Import some, or change the shares."
                ),
                name=plan.eval_set.name,
                split=plan.split,
            )
        rows.append(
            {
                "run_id": uuid4().hex,
                "task_id": plan.eval_set.task_id,
                "job_id": job.job_id,
                "eval_set_id": plan.eval_set.eval_set_id,
                "split": plan.split,
                "prompt_id": plan.prompt.prompt_id,
                "rung": plan.rung,
                "model_id": plan.model.model_id,
                "decoding": content.canonical(asdict(decoding)),
                "repeats": repeats,
                "purpose": plan.purpose,
                "trial_id": plan.trial_id,
                "side": plan.side,
                "index_id": plan.retrieval and plan.retrieval.index_id,
                "k": plan.retrieval and plan.retrieval.k,
                "planned": wanted,
                "created_by": job.by,
                "created_at": database.now(),
            }
        )
    jobs.insert(conn, job)
    database.insert(conn, "runs", rows)
    return [str(row["run_id"]) for row in rows]


def start_ladder(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    eval_set: EvalSet,
    ladder: Ladder,
    model: Model,
    decoding: Decoding | None = None,
    repeats: int = 1,
    spec: Mapping[str, Any] | None = None,
    retrieval: Retrieval | None = None,
) -> str:
    """Every rung over the same dev samples on the same model; passages go to the rungs that have a place for them."""
    roles.require(by, "run.start")
    retrieving.check(conn, eval_set.task_id, retrieval, [prompt for _, prompt in ladder.rungs], must=False)
    plans = [
        Plan(eval_set=eval_set, split="dev", rung=rung, prompt=prompt, model=model, purpose="ladder",
             retrieval=retrieving.of_prompt(retrieval, prompt))
        for rung, prompt in ladder.rungs
    ]  # fmt: skip
    title = N_("Ladder: %(set)s on %(model)s")
    values = {"set": eval_set.name, "model": model.name}
    return start(conn, by=by, title=title, values=values, plans=plans, decoding=decoding, repeats=repeats, spec=spec)


def start_collecting(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    eval_set: EvalSet,
    rung: str,
    prompt: Prompt,
    model: Model,
    retrieval: Retrieval | None = None,
    decoding: Decoding | None = None,
    spec: Mapping[str, Any] | None = None,
) -> str:
    """Answers to the train samples, for experts to rate, correct and approve."""
    roles.require(by, "run.start")
    retrieving.check(conn, eval_set.task_id, retrieval, [prompt], must=False)
    what: dict[str, Any] = {"eval_set": eval_set, "rung": rung, "prompt": prompt, "model": model}
    plan = Plan(split="train", purpose="collect", retrieval=retrieval, **what)
    title = N_("Answers for approval: %(set)s on %(model)s")
    values = {"set": eval_set.name, "model": model.name}
    return start(conn, by=by, title=title, values=values, plans=[plan], decoding=decoding, spec=spec)


def retry_failed(conn: duckdb.DuckDBPyConnection, settings: Settings, job_id: str, *, by: Person) -> int:
    """Ask again for the job's failed answers, which stay until new ones are in; returns how many they are."""
    roles.require(by, "run.start")
    job = jobs.find(conn, job_id)
    failed = answers.failed(conn, job_id)
    if job is None or job.state in jobs.OPEN or not failed:
        raise Refusal(N_("There is no failed call to repeat, or the job is still at work. Wait until it has ended."))
    spec = {**job.spec, "round": job.spec.get("round", 0) + 1}
    jobs.begin_again(settings, job_id)
    with audit.change(conn, actor=by.person_id, act="run.retried", subject=job_id, detail={"calls": failed}):
        jobs.queue_again(conn, job_id, spec)
    return failed


def raise_cap(conn: duckdb.DuckDBPyConnection, settings: Settings, job_id: str, cap: float, *, by: Person) -> None:
    """Go on with a job that ended at its spending cap, up to a higher one."""
    roles.require(by, "run.start")
    job = jobs.find(conn, job_id)
    if job is None or job.state not in jobs.RESUMABLE or not cap > (job.spec.get("cap") or 0):
        raise Refusal(N_("The new cap has to be above %(cap)s, and the job stopped."), cap=job and job.spec.get("cap"))
    jobs.begin_again(settings, job_id)
    with audit.change(conn, actor=by.person_id, act="run.cap_raised", subject=job_id, detail={"cap": cap}):
        jobs.queue_again(conn, job_id, {**job.spec, "cap": cap})


def measured(conn: duckdb.DuckDBPyConnection, job_id: str) -> list[dict[str, Any]]:
    """The job's runs with what their answers took.

    Beside the run's own columns: `model_name`, `answered`, `failed`, `cut` and `copied` (counts), `cost` (None if not
    known), `prompt_tokens` and `completion_tokens` (sums), `latency_s` (median).
    """
    query = """
        select r.*, m.name as model_name, count(a.answer_id) as answered, count(a.failure) as failed,
            count(*) filter (where a.cut) as cut, count(a.copied_from) as copied, sum(a.cost) as cost,
            sum(a.prompt_tokens) as prompt_tokens, sum(a.completion_tokens) as completion_tokens,
            median(a.latency_s) as latency_s
        from runs as r join models as m using (model_id) left join answers as a using (run_id)
        where r.job_id = ? group by all order by m.name, r.rung
    """
    return database.rows(conn, query, [job_id])


def of_job(conn: duckdb.DuckDBPyConnection, job_id: str) -> list[dict[str, Any]]:
    return database.rows(conn, "select * from runs where job_id = ? order by created_at, rung", [job_id])


def latest_ladder(conn: duckdb.DuckDBPyConnection, task_id: str, eval_set_name: str) -> list[dict[str, Any]]:
    """The runs of the newest ladder of that set, rung by rung, with `model_name` and how many `answered`, `failed`
    and were `cut`."""
    query = """
        select r.*, m.name as model_name,
            (select count(*) from answers as a where a.run_id = r.run_id) as answered,
            (select count(*) from answers as a where a.run_id = r.run_id and failure is not null) as failed,
            (select count(*) from answers as a where a.run_id = r.run_id and cut) as cut
        from runs as r join eval_sets as s using (eval_set_id) join models as m using (model_id)
        where r.task_id = ? and s.name = ? and purpose = 'ladder'
        qualify r.job_id = first_value(r.job_id) over (order by r.created_at desc, r.job_id)
        order by rung
    """
    return database.rows(conn, query, [task_id, eval_set_name])


def latest(conn: duckdb.DuckDBPyConnection, task_id: str, purpose: Purpose) -> dict[str, Any] | None:
    """The task's newest run of that purpose."""
    query = "select * from runs where task_id = ? and purpose = ? order by created_at desc limit 1"
    return database.row(conn, query, [task_id, purpose])
