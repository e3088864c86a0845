"""Trainings wait for the one device, and each other's turn."""

import os
from pathlib import Path

import pytest

from core.jobs import folder as job_folder
from core.jobs import jobs, supervisor
from core.store import audit, database
from core.training import trials
from tests import chain


class AtWork(chain.Scripted):
    """A launcher whose workers hold their folders until they are told to finish."""

    def __init__(self, conn, right=chain.MIDDLING) -> None:
        super().__init__(conn, right)
        self.held: dict[Path, int] = {}

    def launch(self, folder: Path) -> None:
        descriptor = job_folder.lock(folder)
        assert descriptor is not None, "two workers for one folder"
        self.held[folder] = descriptor

    def finish(self, folder: Path) -> None:
        super().launch(folder)
        os.close(self.held.pop(folder))


@pytest.fixture
def world(settings, mina):
    connection = database.connect(settings)
    made = chain.small(connection.cursor(), settings, mina, dev=2, train=8, gate=4, retain=2)
    chain.to_approval(made)
    yield made
    connection.close()


def test_of_two_trainings_the_second_waits_and_runs_when_the_first_has_ended(world):
    first = chain.train(world, finish=False)
    second = trials.repeat(world.conn, by=world.by, trial_id=first)
    job_ids = [trials.find(world.conn, trial_id)["job_id"] for trial_id in (first, second)]
    folders = [jobs.folder_of(world.settings, job_id) for job_id in job_ids]
    launcher = AtWork(world.conn)

    def states() -> list[str]:
        return [jobs.find(world.conn, job_id).state for job_id in job_ids]

    for _ in range(3):
        supervisor.step(world.settings, world.conn, launcher)
        assert states() == ["running", "queued"]
    assert list(launcher.held) == folders[:1]
    assert jobs.place(world.conn, jobs.find(world.conn, job_ids[1])) == 1

    launcher.finish(folders[0])
    supervisor.step(world.settings, world.conn, launcher)
    assert states() == ["done", "running"]
    assert list(launcher.held) == folders[1:]  # the first one's proof waits behind it

    launcher.finish(folders[1])
    while supervisor.step(world.settings, world.conn, launcher):
        for folder in list(launcher.held):
            assert len(launcher.held) == 1
            launcher.finish(folder)
    made = [trials.find(world.conn, trial_id) for trial_id in (first, second)]
    assert len({trial["model_id"] for trial in made} - {None}) == 2
    for trial in made:
        count = "select count(*) from answers join runs using (run_id) where trial_id = ?"
        assert world.conn.execute(count, [trial["trial_id"]]).fetchone()[0] > 0  # each is proven
    assert audit.first_bad_entry(world.conn) is None


def test_one_that_was_stopped_makes_room_for_the_next(world):
    first = chain.train(world, finish=False)
    second = trials.repeat(world.conn, by=world.by, trial_id=first)
    job_ids = [trials.find(world.conn, trial_id)["job_id"] for trial_id in (first, second)]
    launcher = AtWork(world.conn)
    supervisor.step(world.settings, world.conn, launcher)
    jobs.stop(world.conn, world.settings, job_ids[0], by=world.by)
    supervisor.step(world.settings, world.conn, launcher)
    assert jobs.find(world.conn, job_ids[1]).state == "queued"  # the worker is still at its step
    os.close(launcher.held.pop(jobs.folder_of(world.settings, job_ids[0])))
    supervisor.step(world.settings, world.conn, launcher)
    assert [jobs.find(world.conn, job_id).state for job_id in job_ids] == ["stopped", "running"]
