"""Follows the jobs: starts what is queued, takes in what workers have finished, and notices who has died.

Everything is read from the job rows and the folders at each step, so it does not matter who was killed in between.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from core.errors import Refusal
from core.evaluation import answers, asking, models, questions, sums, terms
from core.jobs import folder as job_folder
from core.jobs import jobs
from core.jobs.jobs import Job
from core.jobs.launchers import Launcher, LocalLauncher
from core.jobs.watch import Watch
from core.judging import judgings
from core.knowledge import indexes, vectors
from core.locale.mark import N_
from core.review import rewrites
from core.settings import Settings
from core.store import audit
from core.training import estimates, outcomes, trials

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a worker that died is started again before a person has to look."""
PATIENCE_S = {"generate": 7.0}
"""How long a worker may take to heed a stop before it is killed: answers are safe at once, a checkpoint takes time."""
LONG_PATIENCE_S = 20.0
UNWRITTEN = N_("The files of this job could not be written: %(error)s. Make room on the disk, then press Resume.")


class Supervisor:
    """The thread that steps every so many seconds until `stop`, and sooner when its watch has noticed something.

    What is `first` is done once, before all steps.
    """

    def __init__(
        self,
        step: Callable[[], object],
        every_s: float,
        watch: Watch | None = None,
        first: Callable[[], object] = lambda: None,
    ) -> None:
        self._end = threading.Event()
        self._step, self._every_s, self._watch, self._first = step, every_s, watch or Watch(), first
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._do(self._first)
        while not self._watch.wait(self._every_s, self._end):
            self._do(self._step)

    def _do(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception:  # one bad step must not end the following of all jobs
            log.exception("The supervisor's step failed; it goes on with the next one.")

    def stop(self) -> None:
        self._end.set()
        self._thread.join(timeout=10)


def start(
    settings: Settings, database: duckdb.DuckDBPyConnection, launcher: Launcher | None = None, every_s: float = 1.0
) -> Supervisor:
    """Begin to follow the jobs of this database in a thread; first it counts what an earlier version did not."""
    launcher, watch = launcher or LocalLauncher(), Watch()

    def watched_step() -> None:
        watch.look()
        watch.follow(step(settings, database.cursor(), launcher))

    return Supervisor(watched_step, every_s, watch, first=lambda: sums.catch_up(database.cursor()))


def drain(settings: Settings, conn: duckdb.DuckDBPyConnection, launcher: Launcher | None = None) -> None:
    """Step until no job is open, for a command that waits."""
    launcher, watch = launcher or LocalLauncher(), Watch()
    while folders := step(settings, conn, launcher):
        watch.follow(folders)
        watch.wait(0.3)
        watch.look()


def step(settings: Settings, conn: duckdb.DuckDBPyConnection, launcher: Launcher) -> list[Path]:
    """Look at every open job once; the folders of those that are open still."""
    for job in jobs.in_states(conn, "running", "stopping"):
        try:
            _follow(settings, conn, launcher, job)
        except Refusal as refusal:
            if "disk is full" in refusal.message:
                raise  # nothing is lost: the shards wait in the folder
            _end(conn, job, "failed", refusal.message, refusal.values)
    busy = {job.lane for job in jobs.in_states(conn, "running", "stopping")}
    for job in jobs.in_states(conn, "queued"):
        if job.lane not in busy:
            busy.add(job.lane)
            _launch(settings, conn, launcher, job)
    return [jobs.folder_of(settings, job.job_id) for job in jobs.in_states(conn, *jobs.OPEN)]


def _launch(settings: Settings, conn: duckdb.DuckDBPyConnection, launcher: Launcher, job: Job) -> None:
    folder = jobs.folder_of(settings, job.job_id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        prepare(settings, conn, job, folder)
    except Refusal as refusal:
        _end(conn, job, "failed", refusal.message, refusal.values)
        return
    except OSError as error:
        _end(conn, job, "failed", UNWRITTEN, {"error": error.strerror or str(error)})
        return
    with suppress(jobs.Overtaken):  # it was stopped while its inputs were written
        with audit.change(conn, actor="supervisor", act="job.launched", subject=job.job_id):
            jobs.set_state(conn, job.job_id, "running", seen="queued")
        launcher.launch(folder)


def prepare(settings: Settings, conn: duckdb.DuckDBPyConnection, job: Job, folder: Path) -> None:
    """Write the worker's inputs, the spec last."""
    if job.kind == "generate":
        if judging := job.spec.get("judging"):
            spec, items = judgings.inputs(conn, judging)
        elif job.spec.get("questions"):
            spec, items = questions.inputs(conn, job)
        else:
            spec, items = asking.inputs(conn, settings, job.job_id)
        job_folder.write_lines(folder / "items.jsonl", items)
    elif job.kind == "train":
        spec = trials.inputs(conn, job.job_id, folder)
    elif job.kind == "probe":
        spec = estimates.inputs(conn, job, folder)
    elif job.kind == "export":
        spec = dict(job.spec)
    elif job.kind == "rewrite":
        spec = rewrites.inputs(conn, job, folder)
    elif job.kind == "index":
        spec = vectors.inputs(conn, job, folder)
    else:
        repo = job.spec.get("repo")
        spec = {"kind": "hub" if repo else "fetch", "into": str(settings.models), "repo": repo}
    job_folder.write_json(folder / "spec.json", spec)


def _follow(settings: Settings, conn: duckdb.DuckDBPyConnection, launcher: Launcher, job: Job) -> None:
    folder = jobs.folder_of(settings, job.job_id)
    alive = job_folder.alive(folder)  # asked first: what a dead worker has written is all there will be
    if job.kind == "rewrite":
        rewrites.hand_over(conn, job.job_id, folder)
    if job.kind in ("generate", "rewrite", "index"):
        _take_in(conn, job, folder)
    result = job_folder.result(folder)
    if result is not None and not alive:
        _finish(settings, conn, job, folder, result)
    elif alive and job.state == "stopping" and _age(folder / "stop") > PATIENCE_S.get(job.kind, LONG_PATIENCE_S):
        launcher.kill(folder)
    elif not alive and job.state == "stopping":
        _end(conn, job, "stopped")
    elif not alive and job.attempts < ATTEMPTS:
        with suppress(jobs.Overtaken):  # it was stopped just now
            with audit.change(conn, actor="supervisor", act="job.relaunched", subject=job.job_id):
                jobs.set_state(conn, job.job_id, "running", seen="running")
            launcher.launch(folder)
    elif not alive:
        message = N_("The worker died %(times)s times without a word. Look at the log, free some memory, press Resume.")
        _end(conn, job, "interrupted", message, {"times": ATTEMPTS})


_taken: dict[Path, float] = {}  # shards that are in the database; a restart reads them again, which changes nothing


def _take_in(conn: duckdb.DuckDBPyConnection, job: Job, folder: Path) -> None:
    new = [shard for shard in job_folder.shards(folder) if shard not in _taken]
    if new:
        rows = (row for shard in new for row in job_folder.read_lines(shard))
        if job.kind == "rewrite":
            rewrites.keep(conn, job.job_id, rows)
        elif job.kind == "index":
            vectors.keep(conn, job, rows)
        elif judging := job.spec.get("judging"):
            judgings.keep(conn, judging, rows)
        elif job.spec.get("questions"):
            questions.keep(conn, job, rows)
        else:
            answers.keep(conn, job.job_id, rows)
        _taken.update((shard, time.monotonic()) for shard in new)


def _finish(
    settings: Settings, conn: duckdb.DuckDBPyConnection, job: Job, folder: Path, result: dict[str, Any]
) -> None:
    # A stopped training that had learned something is a model version like any other, marked as stopped early.
    follow_up: Callable[[duckdb.DuckDBPyConnection], dict[str, Any]] | None = None
    if job.kind == "train" and "adapter" in result:
        follow_up = outcomes.of_job(settings, conn, job, folder, result)
    elif job.kind == "fetch" and result["status"] == "done":
        follow_up = _register(conn, models.describe(Path(result["path"])), job.by)
    elif job.kind == "rewrite" and result["status"] == "done":
        follow_up = rewrites.go_on(job)
    elif job.kind == "index" and result["status"] == "done":
        follow_up = indexes.go_on(job)
    with audit.change(
        conn, actor="worker", act=f"job.{result['status']}", subject=job.job_id, detail={"kind": job.kind}
    ) as detail:
        if follow_up is not None:
            detail |= follow_up(conn)
        for model_id, what in result.get("learned", {}).items():
            terms.remember(conn, model_id, what["structured"])
        jobs.set_state(conn, job.job_id, result["status"], result["message"], result.get("values"))


def _register(
    conn: duckdb.DuckDBPyConnection, model: models.Model, by: str
) -> Callable[[duckdb.DuckDBPyConnection], dict[str, Any]] | None:
    if models.find(conn, model.model_id) is not None:
        return None

    def insert(inside: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        models.insert(inside, model, by)
        return {"model": model.model_id}

    return insert


def _end(conn: duckdb.DuckDBPyConnection, job: Job, state: jobs.State, message: str = "", values: Any = None) -> None:
    with audit.change(conn, actor="supervisor", act=f"job.{state}", subject=job.job_id, detail={"message": message}):
        jobs.set_state(conn, job.job_id, state, message, values)


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime if path.exists() else 0.0
