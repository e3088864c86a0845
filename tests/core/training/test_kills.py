"""Killed anywhere, a training goes on or begins again, is counted once, and nothing that is in use has changed.

The worker is the real one with a tiny model. It runs in children forked from a process that has loaded torch once, so
that eleven deaths cost seconds; each child kills itself with SIGKILL where it is told to.
"""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from core import content
from core.access import roles
from core.access.people import Person
from core.evaluation import models
from core.jobs import folder as job_folder
from core.jobs import jobs, supervisor, worker
from core.settings import Settings
from core.store import audit, database
from core.training import recipes, training_sets, trials
from tests import chain, mortal
from tests.chain import World

MINA = Person(person_id="mina", name="Mina", roles=frozenset(roles.ROLES))
RECIPE = recipes.Recipe(epochs=2, batch_size=8, holdout=0.1, replay_share=0.0, learning_rate=1e-3)

POINTS = (
    ("core.generation.weights.tokenizer", 1, "before"),  # nothing is loaded yet
    ("core.generation.weights.model", 1, "after"),  # the model is, and nothing has begun
    ("core.training.lora.adapted", 1, "after"),
    ("core.training.reports.Progress.on_step_end", 1, "after"),  # the first step
    ("core.training.adapters.save", 1, "before"),  # the best so far is to be written
    ("transformers.trainer_callback.TrainerState.save_to_json", 1, "before"),  # half a checkpoint
    ("transformers.trainer_callback.TrainerState.save_to_json", 1, "after"),  # a whole one
    ("core.training.reports.Progress.on_evaluate", 1, "after"),  # one that goes on looks at held-out rows
    ("core.training.adapters.keep", 1, "before"),  # all is learned, nothing is in its place
    ("core.training.lora._train", 1, "after"),  # it is in its place, and nobody was told
    ("core.jobs.folder.write_json", 1, "before"),  # nobody was told, and the worker wrote nothing more
)
"""Where the worker dies: a function, which of its calls, and whether before or after it."""


def work(folder: str, point: tuple[str, int, str] | None) -> None:
    """What a child does: the worker's own main, mortal at the point."""
    if point:
        mortal.patched(*point)
    worker.main(Path(folder))


class Mortal:
    """A launcher whose workers die at one point after the other, and live once there are none left."""

    def __init__(self, points: tuple[tuple[str, int, str], ...]) -> None:
        self.points, self.exits, self.pids = list(points), list[int | None](), list[int]()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["core.training.lora", "core.training.work", "bitsandbytes"])

    def launch(self, folder: Path) -> None:
        if job_folder.spec(folder)["kind"] != "train":
            return  # the proof waits: it is not what dies here
        point = self.points.pop(0) if self.points else None
        child = self._context.Process(target=work, args=(str(folder), point))
        child.start()
        self.pids.append(int(child.pid or 0))
        child.join(120)
        assert child.exitcode is not None, f"it never came to {point}"
        self.exits.append(child.exitcode)

    def kill(self, folder: Path) -> None:
        raise AssertionError(f"{folder} was not asked to stop")


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str, Mortal, list[str]]]:
    """A trial whose worker died at every point, resumed by a person whenever it was called interrupted.

    The world, the trial, the launcher, and the states that the job came to rest in.
    """
    from tests import tiny  # torch

    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    settings = Settings(data=tmp_path_factory.mktemp("kills") / "data")
    connection = database.connect(settings)
    conn = connection.cursor()
    world = chain.small(conn, settings, MINA, dev=2, train=60, gate=4, retain=2)
    chain.to_approval(world)
    base = models.register_local(conn, by=MINA, folder=tiny.model(settings.models / "tiny"), name="Tiny")
    frozen = training_sets.freeze(conn, by=MINA, task_id=world.task.task_id, prompt=world.ladder.rungs[0][1])
    trial_id = trials.start(
        conn,
        by=MINA,
        eval_set=world.eval_set,
        training_set=frozen,
        base=base,
        baseline=world.ladder.rungs[1],
        recipe=RECIPE,
    )
    launcher, rests = Mortal(POINTS), []
    trial = trials.find(conn, trial_id)
    while rests[-1:] != ["done"]:
        while (job := jobs.find(conn, trial["job_id"])).state in jobs.OPEN:
            supervisor.step(settings, conn, launcher)
        rests.append(job.state)
        assert len(rests) < 9, rests
        if job.state == "interrupted":
            jobs.resume(conn, settings, job.job_id, by=MINA)
    yield world, trial_id, launcher, rests
    connection.close()
    os.environ.pop("OMP_NUM_THREADS") if before is None else os.environ.update(OMP_NUM_THREADS=before)


def test_at_each_point_the_worker_died_and_the_last_one_finished(died):
    _, _, launcher, _ = died
    assert launcher.points == []
    assert launcher.exits == [-signal.SIGKILL] * len(POINTS) + [0]


def test_every_third_death_is_called_interrupted_and_a_person_resumes_it(died):
    _, _, _, rests = died
    assert rests == ["interrupted", "interrupted", "interrupted", "done"]  # eleven deaths, three attempts each time


def test_nothing_is_left_running_and_the_folder_is_free(died):
    world, trial_id, launcher, _ = died
    folder = jobs.folder_of(world.settings, trials.find(world.conn, trial_id)["job_id"])
    assert not job_folder.alive(folder)
    for pid in launcher.pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_it_has_learned_what_one_that_never_died_learns(died, tmp_path):
    """Steps were repeated, none was left out: the adapters hold the same numbers."""
    world, trial_id, _, _ = died
    trial = trials.find(world.conn, trial_id)
    spec = trials.inputs(world.conn, trial["job_id"], tmp_path)
    job_folder.write_json(tmp_path / "spec.json", spec)
    alone = Mortal(())
    alone.launch(tmp_path)
    assert alone.exits == [0]
    known = job_folder.result(jobs.folder_of(world.settings, trial["job_id"]))
    whole = job_folder.result(tmp_path)
    for name in ("steps", "rows", "held_out_rows", "kept_step"):
        assert known["summary"][name] == whole["summary"][name]
    from safetensors.numpy import load_file

    one = load_file(Path(models.find(world.conn, trial["model_id"]).path) / "adapter_model.safetensors")
    two = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert one.keys() == two.keys()
    for name, values in one.items():
        assert abs(values - two[name]).max() < 1e-4, name


def test_the_model_is_there_once_and_its_proof_is_queued_once(died):
    world, trial_id, _, _ = died
    count = "select count(*) from models where kind = 'adapter'"
    assert world.conn.execute(count).fetchone() == (1,)
    assert world.conn.execute("select count(distinct job_id) from runs where trial_id = ?", [trial_id]).fetchone() == (
        1,
    )
    assert audit.first_bad_entry(world.conn) is None


def test_what_is_in_production_is_untouched(died):
    world, _, _, _ = died
    assert world.conn.execute("select count(*) from alias_moves").fetchone() == (0,)
    acts = {act for (act,) in world.conn.execute("select act from audit_events").fetchall()}
    assert not {act for act in acts if act.startswith("release.")}
    for model in models.everything(world.conn):  # nor has a byte of any model changed since it was registered
        known = {name: content.file_digest(Path(model.path) / name) for name in model.file_hashes}
        assert known == model.file_hashes


# -- the app dies


APP_POINTS = (
    ("core.jobs.folder.write_json", 1, "before"),  # inputs are written, the spec is not
    ("core.jobs.jobs.set_state", 1, "before"),  # all is written, the job is still queued
    ("core.jobs.jobs.set_state", 1, "after"),  # inside the transaction that calls it running
    ("shutil.copytree", 1, "after"),  # the adapter is copied under another name
    ("core.evaluation.models.insert", 1, "after"),  # inside the transaction that registers the model
)


class Scripted:
    """Workers that are done before anybody looks: here the app is what dies."""

    def __init__(self, conn: duckdb.DuckDBPyConnection) -> None:
        self._at_once = chain.Scripted(conn, chain.MIDDLING)

    def launch(self, folder: Path) -> None:
        if job_folder.result(folder) is None:
            self._at_once.launch(folder)

    def kill(self, folder: Path) -> None:
        raise AssertionError(f"{folder} has no worker to kill")


def app(data: str, point: tuple[str, int, str] | None) -> None:
    """The part of the app that follows jobs, until nothing is left to do or it dies."""
    settings = Settings(data=Path(data))
    connection = database.connect(settings)
    conn = connection.cursor()
    if point:
        mortal.patched(*point)
    while supervisor.step(settings, conn, Scripted(conn)):
        pass
    connection.close()


def test_the_app_may_die_anywhere_and_the_next_one_ends_the_trial_once(settings, mina):
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=2, train=8, gate=4, retain=2)
    chain.to_approval(world)
    trial_id = chain.train(world, finish=False)
    connection.close()
    context = multiprocessing.get_context("forkserver")
    exits = []
    for point in (*APP_POINTS, None):
        child = context.Process(target=app, args=(str(settings.data), point))
        child.start()
        child.join(120)
        exits.append(child.exitcode)
    assert exits == [-signal.SIGKILL] * len(APP_POINTS) + [0]

    connection = database.connect(settings)  # the anchor agrees, too
    conn = connection.cursor()
    trial = trials.find(conn, trial_id)
    assert jobs.find(conn, trial["job_id"]).state == "done"
    adapters = conn.execute("select model_id, path from models where kind = 'adapter'").fetchall()
    assert [model_id for model_id, _ in adapters] == [trial["model_id"]]
    assert (Path(adapters[0][1]) / "adapter_model.safetensors").exists()
    assert [path.name for path in settings.adapters.iterdir()] == [trial["model_id"]]  # nothing half
    runs_of_it = conn.execute("select count(distinct job_id), count(*) from runs where trial_id = ?", [trial_id])
    assert runs_of_it.fetchone()[0] == 1
    assert conn.execute("select count(*) from alias_moves").fetchone() == (0,)
    registered = conn.execute("select detail from audit_events where act = 'job.done'").fetchall()
    assert sum("model" in json.loads(detail) for (detail,) in registered) == 1
    assert audit.first_bad_entry(conn) is None
    connection.close()
