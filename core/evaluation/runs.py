"""Runs: eval set version x split x prompt x model, with one answer per sample and repeat or a recorded failure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import uuid4

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import choices, decodings, eval_sets, models, prompts
from core.evaluation.eval_sets import EvalSet
from core.evaluation.importing import Split
from core.evaluation.models import Model
from core.evaluation.prompts import Ladder, Prompt
from core.generation.base import Decoding
from core.jobs import jobs
from core.locale.mark import N_
from core.store import audit, database

Purpose = Literal["ladder", "collect", "proof"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run that is wanted."""

    eval_set: EvalSet
    split: Split
    rung: str
    prompt: Prompt
    model: Model
    purpose: Purpose
    trial_id: str | None = None
    side: Literal["before", "after"] | None = None


def start(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    title: str,
    values: Mapping[str, Any],
    plans: Sequence[Plan],
    decoding: Decoding | None = None,
    repeats: int = 1,
) -> str:
    """Queue one generate job for all the runs, so that a model is loaded once; returns the job's id."""
    roles.require(by, "run.start")
    job = new_job(plans[0].eval_set.task_id, by.person_id, title, values)
    with audit.change(conn, actor=by.person_id, act="run.started", subject=job.job_id) as detail:
        detail["runs"] = add(conn, job=job, plans=plans, decoding=decoding, repeats=repeats)
    return job.job_id


def new_job(task_id: str, by: str, title: str, values: Mapping[str, Any]) -> jobs.Job:
    """A generate job, not queued yet."""
    return jobs.Job(job_id=uuid4().hex, kind="generate", task_id=task_id, title=title, values=values, spec={}, by=by)


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
) -> str:
    """Every rung over the same dev samples on the same model."""
    plans = [
        Plan(eval_set=eval_set, split="dev", rung=rung, prompt=prompt, model=model, purpose="ladder")
        for rung, prompt in ladder.rungs
    ]
    title = N_("Ladder: %(set)s on %(model)s")
    values = {"set": eval_set.name, "model": model.name}
    return start(conn, by=by, title=title, values=values, plans=plans, decoding=decoding, repeats=repeats)


def start_collecting(
    conn: duckdb.DuckDBPyConnection, *, by: Person, eval_set: EvalSet, rung: str, prompt: Prompt, model: Model
) -> str:
    """Answers to the train samples, for experts to rate, correct and approve."""
    plan = Plan(eval_set=eval_set, split="train", rung=rung, prompt=prompt, model=model, purpose="collect")
    title = N_("Answers for approval: %(set)s on %(model)s")
    return start(conn, by=by, title=title, values={"set": eval_set.name, "model": model.name}, plans=[plan])


def inputs(conn: duckdb.DuckDBPyConnection, job_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the worker needs: the spec, and one item per answer; it skips those in its finished shards itself."""
    items: list[dict[str, Any]] = []
    used: dict[str, dict[str, Any]] = {}
    decoding: dict[str, Any] = {}
    for run in of_job(conn, job_id):
        prompt, model = prompts.find(conn, run["prompt_id"]), models.find(conn, run["model_id"])
        if prompt is None or model is None:
            raise LookupError("A run is saved after its prompt and its model.")
        used[model.model_id] = models.for_worker(conn, model)
        decoding = json.loads(run["decoding"])
        for sample in eval_sets.samples(conn, run["eval_set_id"], run["split"]):
            messages = prompts.render(prompt, sample)
            items += [
                {
                    "run_id": run["run_id"],
                    "sample_id": sample.sample_id,
                    "repeat": repeat,
                    "model": model.model_id,
                    "messages": messages,
                }
                for repeat in range(run["repeats"])
            ]
    return {"kind": "generate", "models": used, "decoding": decoding}, items


def keep(conn: duckdb.DuckDBPyConnection, job_id: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Store and score a worker's answers; those that are there already are left alone. Returns how many were new."""
    known_runs = {run["run_id"]: run for run in of_job(conn, job_id)}
    mine = {
        answer_id(row["run_id"], row["sample_id"], row["repeat"]): row for row in rows if row["run_id"] in known_runs
    }
    query = "select a.answer_id from answers as a join runs as r using (run_id) where r.job_id = ?"
    there = {one for (one,) in conn.execute(query, [job_id]).fetchall()}
    new = {name: row for name, row in mine.items() if name not in there}
    if not new:
        return 0
    answers = [{"answer_id": name, **{column: row.get(column) for column in _ANSWER}} for name, row in new.items()]
    scored = _score(conn, new, known_runs)
    with audit.change(conn, actor="worker", act="answers.stored", subject=job_id, detail={"answers": len(answers)}):
        database.insert(conn, "answers", answers)
        database.insert(conn, "scores", scored)
    return len(answers)


_ANSWER = (
    "run_id", "sample_id", "repeat", "text", "failure", "prompt_tokens", "completion_tokens", "latency_s"
)  # fmt: skip


def _score(
    conn: duckdb.DuckDBPyConnection, new: Mapping[str, Mapping[str, Any]], runs: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    sets = {run["eval_set_id"]: eval_sets.find(conn, run["eval_set_id"]) for run in runs.values()}
    scorers = {set_id: choices.of_set(conn, eval_set) for set_id, eval_set in sets.items() if eval_set is not None}
    samples = {
        (set_id, sample.sample_id): {"reference": sample.reference, "input": sample.input, "context": sample.context}
        for set_id in sets
        for sample in eval_sets.samples(conn, set_id)
    }
    rows = []
    for name, row in new.items():
        set_id = runs[row["run_id"]]["eval_set_id"]
        eval_set, sample = sets[set_id], samples[set_id, row["sample_id"]]
        assert eval_set is not None
        if row.get("failure") is not None or not sample["reference"]:
            continue  # nothing to compare: a failure is counted as a failure, and no reference is no score
        for score in choices.apply(scorers[set_id], eval_set, {**sample, "text": row["text"]}):
            rows.append({"answer_id": name, "scorer": scorers[set_id].scorer_id, **asdict(score)})
    return rows


def answer_id(run_id: str, sample_id: str, repeat: int) -> str:
    """The name of an answer; it tells nothing of the prompt or the model."""
    return content.name("answer", [run_id, sample_id, repeat])


def of_job(conn: duckdb.DuckDBPyConnection, job_id: str) -> list[dict[str, Any]]:
    return database.rows(conn, "select * from runs where job_id = ? order by created_at, rung", [job_id])


def latest_ladder(conn: duckdb.DuckDBPyConnection, task_id: str, eval_set_name: str) -> list[dict[str, Any]]:
    """The runs of the newest ladder of that set, rung by rung, with `model_name` and `answered`."""
    query = """
        select r.*, m.name as model_name,
            (select count(*) from answers as a where a.run_id = r.run_id) as answered,
            (select count(*) from answers as a where a.run_id = r.run_id and failure is not null) as failed
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


def sample_scores(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """One row per run, sample and metric: `value` averaged over the repeats, the unit of every statistic."""
    query = """
        select a.run_id, a.sample_id, p.group_id, p.critical, c.metric, avg(c.value) as value
        from answers as a join scores as c using (answer_id) join samples as p using (sample_id)
        where list_contains($runs, a.run_id) and c.value is not null
        group by all order by a.sample_id
    """
    return database.rows(conn, query, {"runs": list(run_ids)})
