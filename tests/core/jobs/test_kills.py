"""Killed at each point between an answer and its row in the database, worker and app lose none and store none twice."""

import json
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from core.evaluation import runs
from core.jobs import folder as job_folder
from core.jobs import jobs, journal, supervisor, worker
from core.settings import Settings
from core.store import audit, database
from tests import chain, openai_server
from tests.core.jobs.conftest import answered, queue_run
from tests.mortal import Host, Point

SAMPLES = 8
WORKER_POINTS: Sequence[Point] = (
    ("core.generation.work.load", 1, "before"),  # nothing is asked
    ("core.jobs.journal.Journal.add", 1, "before"),  # an answer is in and not on file: it alone is asked again
    ("core.jobs.journal.Journal.seal", 1, "before"),  # it is on file and in no shard
    ("core.jobs.folder.add_shard", 1, "before"),  # the next worker is to make a shard of what the dead one left
    ("core.jobs.folder.add_shard", 1, "after"),  # it has, and what was left is still there
    ("pathlib.Path.replace", 2, "before"),  # that is done, and one more answer is on the disk but in no shard
    ("core.jobs.journal.Journal.seal", 1, "after"),  # it is in a shard, and nobody was told
    ("core.jobs.folder.finish", 1, "before"),  # all answers are in shards, and the job has no end
    ("core.jobs.folder.finish", 1, "after"),  # it has one, and the worker did not live to end itself
)
APP_POINTS: Sequence[Point] = (
    ("core.jobs.supervisor._take_in", 1, "before"),  # the answers lie in their folder
    ("core.evaluation.answers.keep", 1, "before"),
    ("core.store.database.insert", 1, "after"),  # inside the transaction: answers without scores
    ("core.store.database.insert", 2, "after"),  # both, and it is not committed
    ("core.evaluation.answers.keep", 1, "after"),  # they are in, and the job is still running
    ("core.jobs.jobs.set_state", 1, "after"),  # inside the transaction that ends it
)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(__name__) as running:
        yield running


def work(folder: str) -> None:
    """What a worker does, with a shard for each answer."""
    journal.SHARD_SECONDS = 0
    worker.main(Path(folder))


def on_file(folder: Path) -> set[str]:
    """The samples whose answers have reached the disk, in shards or on their way into one."""
    files = [*job_folder.shards(folder), *(folder / "answers").glob("*.partial")]
    return {row["sample_id"] for file in files for row in job_folder.read_lines(file)}


class Mortal:
    """A launcher whose workers die at one point after the other, and live once there are none left."""

    def __init__(self, host: Host, server: openai_server.Server) -> None:
        self.points, self.exits, self.wasted = list(WORKER_POINTS), list[int](), set[str]()
        self._host, self._server = host, server

    def launch(self, folder: Path) -> None:
        safe, asked_before = on_file(folder), len(self._server.seen)
        self.exits.append(self._host.run("work", str(folder), point=self.points.pop(0) if self.points else None))
        asked = {body["messages"][-1]["content"] for body in self._server.seen[asked_before:]}
        items = job_folder.read_lines(folder / "items.jsonl")
        self.wasted |= {item["sample_id"] for item in items if item["messages"][-1]["content"] in asked} & safe

    def kill(self, folder: Path) -> None:
        raise AssertionError(f"{folder} was not asked to stop")


def test_a_worker_may_die_anywhere_and_no_answer_on_file_is_asked_for_again(settings, mina, host):
    connection = database.connect(settings)
    conn = connection.cursor()
    with openai_server.serve() as server:
        job_id = queue_run(conn, mina, server.base_url, SAMPLES)
        launcher, rests = Mortal(host, server), []
        while rests[-1:] != ["done"]:
            supervisor.drain(settings, conn, launcher)
            rests.append(jobs.find(conn, job_id).state)
            assert len(rests) < 9, rests
            if rests[-1] == "interrupted":
                jobs.resume(conn, settings, job_id, by=mina)
    assert launcher.exits == [-signal.SIGKILL] * len(WORKER_POINTS)  # the last one had ended the job before it died
    assert launcher.wasted == set()
    assert {body["messages"][-1]["content"] for body in server.seen} == {f"question {n}" for n in range(SAMPLES)}
    assert answered(conn) == (SAMPLES, SAMPLES)
    assert conn.execute("select count(*), sum(value) from scores where metric = 'correct'").fetchone() == (8, 8)
    assert audit.first_bad_entry(conn) is None
    connection.close()


class Scripted(chain.Scripted):
    """Workers that are done before anybody looks: here the app is what dies."""

    def launch(self, folder: Path) -> None:
        if job_folder.result(folder) is None:
            super().launch(folder)


def app(data: str) -> None:
    """The part of the app that follows jobs, until nothing is left to do or it dies."""
    settings = Settings(data=Path(data))
    connection = database.connect(settings)
    conn = connection.cursor()
    while supervisor.step(settings, conn, Scripted(conn, chain.MIDDLING)):
        pass
    connection.close()


def test_an_app_may_die_anywhere_and_the_next_one_takes_in_each_answer_once(settings, mina, host):
    connection = database.connect(settings)
    conn = connection.cursor()
    world = chain.small(conn, settings, mina, dev=SAMPLES, train=1, gate=1, retain=1)
    job_id = runs.start_ladder(conn, by=mina, eval_set=world.eval_set, ladder=world.ladder, model=world.base)
    supervisor.step(settings, conn, Scripted(conn, chain.MIDDLING))  # the worker is done, and nothing is taken in
    connection.close()
    exits = [host.run("app", str(settings.data), point=point) for point in (*APP_POINTS, None)]
    assert exits == [-signal.SIGKILL] * len(APP_POINTS) + [0]

    connection = database.connect(settings)  # the anchor agrees, too
    conn = connection.cursor()
    assert jobs.find(conn, job_id).state == "done"
    both = len(world.ladder.rungs) * SAMPLES
    assert conn.execute("select count(*), count(distinct answer_id) from answers").fetchone() == (both, both)
    assert conn.execute("select count(*) from scores where metric = 'correct'").fetchone() == (both,)
    stored = conn.execute("select detail from audit_events where act = 'answers.stored'").fetchall()
    assert [json.loads(detail)["answers"] for (detail,) in stored] == [both]
    assert audit.first_bad_entry(conn) is None
    connection.close()
