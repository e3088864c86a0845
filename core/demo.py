"""The whole chain without a browser: ladder, rating, approval, training, proof, on the demo task or on a file."""

import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from core import demo_steps
from core.demo_report import Say
from core.demo_steps import EXPERT, Walk
from core.errors import Refusal
from core.evaluation import demo_task, eval_sets, ladder_templates, models, prompts, tasks
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.tasks import Task
from core.intake import columns, files, importing
from core.locale.mark import N_
from core.scoring import scorers
from core.settings import Settings
from core.store import audit, database


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of one's own: which columns to use, which references to keep, and how many rows at most."""

    file: Path
    input: str
    reference: str
    labels: tuple[str, ...] = ()
    limit: int = 320


def run(
    settings: Settings, say: Say, source: Source | None = None, model: Path | None = None, seed: int = 0
) -> dict[str, Any]:
    """Walk the chain in a data folder of its own, emptied first, and return what came of it, ready for JSON.

    `seed` is that of the training: which result it ends with beside another seed's is its noise.
    Raises Refusal when a step cannot be done; what was done before stays in the folder. Another demo at work there is
    left alone and refused, too.
    """
    began = time.monotonic()
    if settings.database.exists():
        with suppress(duckdb.Error):  # unreadable, so nobody works with it
            database.open_read_only(settings.database).close()
    shutil.rmtree(settings.data, ignore_errors=True)
    conn = database.connect(settings)
    cursor = conn.cursor()
    try:
        task, eval_set = _task(cursor, source)
        say(f"{eval_set.name}: {sum(eval_set.counts.values())} samples {dict(eval_set.counts)}")
        base = models.register_local(cursor, by=EXPERT, folder=model) if model else _starter(settings, cursor, say)
        ladder = prompts.ladder(cursor, task.task_id, eval_set.name)
        assert ladder is not None
        walk = Walk(settings=settings, conn=cursor, say=say, task=task, eval_set=eval_set, ladder=ladder, base=base)
        climbed, seconds = _timed(lambda: demo_steps.climb(walk))
        approved, collecting = _timed(lambda: demo_steps.approve(walk))
        report, timings = demo_steps.train(walk, climbed["best"], seed)
        made = {
            "task": task.name["en"],
            "model": base.name,
            "splits": dict(eval_set.counts),
            "ladder": climbed,
            "approved": approved,
            **report,
            "audit_entries": cursor.execute("select count(*) from audit_events").fetchone()[0],  # type: ignore[index]
            "audit_intact": audit.first_bad_entry(cursor) is None,
            "seconds": {"ladder": seconds, "collecting": collecting, **timings},
        }
        made["seconds"]["all"] = round(time.monotonic() - began, 1)
        say(f"\nWall time {made['seconds']['all'] / 60:.1f} minutes: {made['seconds']}")
        return made
    finally:
        conn.close()


def fetch(settings: Settings, say: Say) -> Model:
    """Fetch the starter model into the settings' models folder, through a job as the app does."""
    conn = database.connect(settings)
    try:
        return _starter(settings, conn.cursor(), say)
    finally:
        conn.close()


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.monotonic()
    return work(), round(time.monotonic() - began, 1)


def _task(conn: duckdb.DuckDBPyConnection, source: Source | None) -> tuple[Task, EvalSet]:
    if source is None:
        task = demo_task.create(conn, by=EXPERT)
        return task, next(one for one in eval_sets.of_task(conn, task.task_id) if one.name == demo_task.TRIAGE)
    table = files.read(source.file.name, source.file.read_bytes())
    checked = importing.check(table, columns.Mapping(input=source.input, reference=source.reference))
    rows = [row for row in checked.rows if not source.labels or row.reference in source.labels]
    if not rows:
        raise Refusal(
            N_("No row of %(file)s has one of the references %(labels)s. Check the spelling."),
            file=source.file.name,
            labels=", ".join(source.labels),
        )
    rows = random.Random(0).sample(rows, min(source.limit, len(rows)))
    name = source.file.stem
    task = tasks.create(conn, by=EXPERT, name={"en": name, "zh": name}, description={"en": "", "zh": ""})
    scorer = scorers.suggest([row.reference for row in rows])
    schema = scorers.infer_schema([row.reference for row in rows]) if scorer == "json" else None
    common: dict[str, Any] = {"by": EXPERT, "task_id": task.task_id}
    eval_set = eval_sets.save(conn, name=name, rows=rows, scorer=scorer, schema=schema, **common)
    samples = eval_sets.samples(conn, eval_set.eval_set_id)
    prompts.save_ladder(conn, eval_set_name=name, rungs=ladder_templates.ladder(samples, scorer, schema), **common)
    demo_task.add_general(conn, **common)
    return task, eval_set


def _starter(settings: Settings, conn: duckdb.DuckDBPyConnection, say: Say) -> Model:
    say("Starter model: fetching it unless it is there.")
    job_id = models.fetch_starter(conn, by=EXPERT)
    demo_steps.wait(settings, conn, say, job_id)
    return models.offered(conn)[-1]
