"""Brings a database to any point of the chain without a model: a script answers in the workers' place.

All else is the real thing: core's own functions, the job folders, the supervisor and the scorers.

    world = chain.small(conn, settings, by)        # or chain.demo(...)
    chain.climb(world)                             # ladder answered
    queue_id = chain.collect(world)                # train answers in a queue
    chain.rate(world, queue_id)                    # judged, wrong ones corrected by their reference
    chain.approve(world)
    trial_id = chain.train(world)                  # adapter and proof
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from core import content
from core.access.people import Person
from core.evaluation import demo_task, eval_sets, models, prompts, results, runs, tasks
from core.evaluation.eval_sets import EvalSet, Sample
from core.evaluation.models import Model
from core.evaluation.prompts import Ladder, Prompt
from core.evaluation.retrieving import Retrieval
from core.evaluation.tasks import Task
from core.intake.importing import Row
from core.jobs import folder as job_folder
from core.jobs import supervisor
from core.review import approvals, queues, ratings
from core.settings import Settings
from core.training import recipes, training_sets, trials

Right = Callable[[Mapping[str, Any], int, int], bool | None]
"""(run, place, count) -> whether the answer to sample number `place` of `count` is right; None is a failed call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A task with everything that a ladder needs."""

    conn: duckdb.DuckDBPyConnection
    settings: Settings
    by: Person
    task: Task
    eval_set: EvalSet
    ladder: Ladder
    base: Model


def shares(**of_rung: float) -> Right:
    """Right on the first so many samples (0.5 is half of them); on the last so many where the rung is "after".

    So with before=0.5 and after=0.9 on 40 samples, 20 become right, 4 become wrong and 16 stay.
    """
    known = {"A": 0.25, "B": 0.25, "C": 0.5, "D": 0.5, "before": 0.9, "after": 0.9} | of_rung

    def right(run: Mapping[str, Any], place: int, count: int) -> bool:
        enough = round(known[run["rung"]] * count)
        return place >= count - enough if run["rung"] == "after" else place < enough

    return right


def breaks(run: Mapping[str, Any], place: int, count: int) -> bool | None:
    """Of 40 gate samples 20 are fixed and 4 break, the critical first one among them; nothing breaks elsewhere."""
    return run["split"] == "retain" or shares(B=0.5, after=0.9)(run, place, count)


MIDDLING = shares()


def small(
    conn: duckdb.DuckDBPyConnection,
    settings: Settings,
    by: Person,
    *,
    dev: int = 8,
    train: int = 12,
    gate: int = 40,
    retain: int = 20,
) -> World:
    """A task of labels, one sample per group, with so many samples in each split and two rungs, A and B."""
    task = tasks.create(conn, by=by, name={"en": "Parcels", "zh": "包裹"}, description={"en": "", "zh": ""})
    counts = {"dev": dev, "train": train, "gate": gate, "retain": retain}
    rows = [row(split, number) for split, count in counts.items() for number in range(count)]
    eval_set = eval_sets.save(conn, by=by, task_id=task.task_id, name="Parcels", rows=rows, scorer="exact")
    rungs = [
        (rung, Prompt(name=f"{rung} · {word}", system=word, template="{input}"))
        for rung, word in (("A", "Answer."), ("B", "Sort."))
    ]
    prompts.save_ladder(conn, by=by, task_id=task.task_id, eval_set_name=eval_set.name, rungs=rungs)
    return _world(conn, settings, by, task, eval_set.name)


def row(split: Any, number: int) -> Row:
    """Sample number so many of a split of the small task."""
    key = f"{split}-{number}"
    return Row(
        key=key,
        input=f"Where is {content.digest(key)}?",  # so unlike each other that no pair counts as the same question
        context="",
        reference=("late", "lost", "here")[number % 3],
        kind="practice",
        pair="",
        group_id=key,
        split=split,
        critical=number == 0,
        tags=(),
        line=number + 2,
    )


def demo(conn: duckdb.DuckDBPyConnection, settings: Settings, by: Person) -> World:
    """The demo task, made unless it is there."""
    known = [
        task
        for task in tasks.everything(conn)
        if any(s.name == demo_task.TRIAGE for s in eval_sets.of_task(conn, task.task_id))
    ]
    return _world(conn, settings, by, known[0] if known else demo_task.create(conn, by=by), demo_task.TRIAGE)


def _world(conn: duckdb.DuckDBPyConnection, settings: Settings, by: Person, task: Task, name: str) -> World:
    eval_set = next(one for one in eval_sets.of_task(conn, task.task_id) if one.name == name)
    ladder = prompts.ladder(conn, task.task_id, name)
    assert ladder is not None
    base = models.register_local(conn, by=by, folder=_model_folder(settings.models / "base"), name="Base")
    return World(conn=conn, settings=settings, by=by, task=task, eval_set=eval_set, ladder=ladder, base=base)


def _model_folder(folder: Path) -> Path:
    """What passes for a model's folder as long as nobody loads it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).write_text("{}")
    return folder


def other_model(world: World, name: str) -> Model:
    """A second base, for comparisons."""
    folder = _model_folder(world.settings.models / name)
    (folder / "config.json").write_text(f'{{"name": "{name}"}}')
    return models.register_local(world.conn, by=world.by, folder=folder, name=name)


def climb(world: World, right: Right = MIDDLING) -> str:
    """Run the ladder on dev; returns the job's id."""
    job_id = runs.start_ladder(world.conn, by=world.by, eval_set=world.eval_set, ladder=world.ladder, model=world.base)
    work(world, right)
    return job_id


def collect(world: World, right: Right = MIDDLING) -> str:
    """Have the train samples answered by the first rung and put the answers into a queue; returns the queue's id."""
    rung, prompt = world.ladder.rungs[0]
    job_id = runs.start_collecting(
        world.conn, by=world.by, eval_set=world.eval_set, rung=rung, prompt=prompt, model=world.base
    )
    work(world, right)
    run_ids = [run["run_id"] for run in runs.of_job(world.conn, job_id)]
    return queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids)


def rate(world: World, queue_id: str, limit: int = 10_000) -> None:
    """Judge what waits in the queue: what is the reference passes, all else is corrected by the reference."""
    for item in ratings.waiting(world.conn, queue_id, world.by.person_id, limit):
        judged = ratings.Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="pass")
        if item.text != item.reference:
            judged = replace(judged, verdict="fail", error_types=("knowledge",), correction=item.reference)
        ratings.record(world.conn, judged, by=world.by)


def approve(world: World) -> int:
    """Approve every candidate; returns how many."""
    task_id = world.task.task_id
    waiting = [row["sample_id"] for row in approvals.candidates(world.conn, task_id)]
    approvals.look(world.conn, by=world.by, task_id=task_id, sample_ids=waiting)
    return approvals.decide(world.conn, by=world.by, task_id=task_id, sample_ids=waiting, decision="approved")


def to_approval(world: World, right: Right = MIDDLING) -> None:
    """Collect, rate and approve all there is to learn from."""
    rate(world, collect(world, right))
    approve(world)


def train(
    world: World,
    right: Right = MIDDLING,
    *,
    finish: bool = True,
    rung: str = "",
    retrieval: Retrieval | None = None,
    goes_on: Model | None = None,
) -> str:
    """Freeze what is approved and train on it, the proof included unless `finish` is false; returns the trial's id.

    It has to beat the ladder's best prompt, or that of the rung, with what is looked up.
    """
    taught = world.ladder.rungs[0][1]
    frozen = training_sets.freeze(world.conn, by=world.by, task_id=world.task.task_id, prompt=taught)
    ladder_runs = runs.latest_ladder(world.conn, world.task.task_id, world.eval_set.name)
    best = results.best_rung(world.conn, world.task, ladder_runs) if ladder_runs else world.ladder.rungs[-1][0]
    rung = rung or best
    ladder = prompts.ladder(world.conn, world.task.task_id, world.eval_set.name)
    assert ladder is not None
    trial_id = trials.start(
        world.conn,
        by=world.by,
        eval_set=world.eval_set,
        training_set=frozen,
        base=world.base,
        baseline=(rung, dict(ladder.rungs)[rung]),
        recipe=recipes.default(frozen.row_count),
        goes_on=goes_on,
        retrieval=retrieval,
    )
    if finish:
        work(world, right)
    return trial_id


def to_the_proof(world: World, right: Right = MIDDLING) -> str:
    """The whole chain at once; returns the trial's id."""
    climb(world, right)
    to_approval(world, right)
    return train(world, right)


def work(world: World, right: Right = MIDDLING) -> None:
    """Let the supervisor go on until no job is open, a script working in the workers' place."""
    while supervisor.step(world.settings, world.conn, Scripted(world.conn, right)):
        pass


class Scripted:
    """A launcher whose workers are done before it returns."""

    def __init__(self, conn: duckdb.DuckDBPyConnection, right: Right) -> None:
        self._conn, self._right = conn, right

    def launch(self, folder: Path) -> None:
        job_folder.tell(folder, "started", pid=0)
        if job_folder.spec(folder)["kind"] == "train":
            (folder / "adapter").mkdir(exist_ok=True)
            weights = folder / "adapter" / "adapter_model.safetensors"
            weights.write_text(folder.name)
            told = {"learning_rate": 1e-4, "grad_norm": 1.0, "tokens_per_second": 90.0}
            for step in range(1, 9):
                job_folder.tell(folder, "step", step=step, steps=8, loss=2 / step, eta_s=8 - step, **told)
            made = {"adapter": "adapter", "files": {weights.name: content.file_digest(weights)}, "summary": {"rows": 8}}
            job_folder.finish(folder, "done", **made)
        elif job_folder.spec(folder)["kind"] == "probe":
            long = {
                "point": "length",
                "state": "bad",
                "message": "%(count)s rows are too long.",
                "values": {"count": 3},
            }
            cost = {"tokens": 1234, "seconds": 100, "steps": 4, "memory": 1.5e9}
            job_folder.finish(folder, "done", probe={"rows": 8, "findings": [long], **cost})
        else:
            job_folder.add_shard(folder, self.answers(folder.name))
            job_folder.finish(folder, "done")

    def kill(self, folder: Path) -> None:
        raise AssertionError(f"{folder} has no worker to kill")

    def answers(self, job_id: str) -> list[dict[str, Any]]:
        """A row for every answer of the job's runs, as a worker writes it."""
        return [
            {"run_id": run["run_id"], "sample_id": sample.sample_id, "repeat": repeat}
            | {"prompt_tokens": 90, "completion_tokens": 20, "latency_s": 0.4}
            | _answer(sample, self._right(run, place, len(samples)))
            for run in runs.of_job(self._conn, job_id)
            for samples in [eval_sets.samples(self._conn, run["eval_set_id"], run["split"])]
            for place, sample in enumerate(samples)
            for repeat in range(run["repeats"])
        ]


def _answer(sample: Sample, right: bool | None) -> dict[str, str | None]:
    if right is None:
        return {"text": None, "failure": "The endpoint did not answer within 60 s."}
    return {"text": sample.reference if right else _wrong(sample.reference), "failure": None}


def _wrong(reference: str) -> str:
    """A wrong answer in the form of the right one."""
    try:
        fields = json.loads(reference)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return "I am not sure."
    last = list(fields)[-1]
    return json.dumps({**fields, last: "ask_again"}, ensure_ascii=False)
