"""A job survives whoever is killed: no answer is lost and none is there twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from starlette.responses import JSONResponse

from core.access.people import Person
from core.errors import Refusal
from core.evaluation import answers, eval_sets, models, prompts, runs, tasks
from core.evaluation.prompts import Prompt
from core.generation.base import Decoding
from core.jobs import folder as job_folder
from core.jobs import jobs, progress, supervisor
from core.jobs.launchers import LocalLauncher
from core.settings import REPOSITORY
from core.store import audit, database
from tests import openai_server, tiny
from tests.core.jobs.conftest import SAMPLES, answered, queue_run, rows

READER = Person(person_id="reader", name="Reader", roles=frozenset({"manager"}))


def step_until(settings, conn, reached, seconds=40.0):
    launcher, end = LocalLauncher(), time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it never came to that"
        supervisor.step(settings, conn, launcher)
        time.sleep(0.05)


def pid_of(settings, job_id):
    return int((jobs.folder_of(settings, job_id) / "pid").read_text())


@pytest.fixture
def conn(settings):
    connection = database.connect(settings)
    yield connection.cursor()
    connection.close()


def test_a_killed_worker_is_started_again_and_answers_what_is_missing(settings, conn, mina):
    with openai_server.serve(delay_s=0.25) as server:
        job_id = queue_run(conn, mina, server.base_url)
        step_until(settings, conn, lambda: 0 < answered(conn)[0] < SAMPLES)
        os.kill(pid_of(settings, job_id), signal.SIGKILL)
        supervisor.drain(settings, conn)
    assert answered(conn) == (SAMPLES, SAMPLES)
    job = jobs.find(conn, job_id)
    assert (job.state, job.attempts) == ("done", 2)
    calls = Counter(call["messages"][-1]["content"] for call in server.seen)
    assert len(calls) == SAMPLES
    assert sum(calls.values()) <= SAMPLES + 16  # only what was under way or not yet in a shard
    scores = conn.execute("select count(*), sum(value) from scores where metric = 'correct'").fetchone()
    assert scores == (SAMPLES, SAMPLES)
    assert audit.first_bad_entry(conn) is None


APP = """
import sys, time
from pathlib import Path
from core.jobs import supervisor
from core.settings import Settings
from core.store import database
settings = Settings(data=Path(sys.argv[1]))
connection = database.connect(settings)
handle = supervisor.start(settings, connection, every_s=0.1)
print("up", flush=True)
time.sleep(600)
"""


def test_a_killed_app_finds_its_worker_at_work_and_loses_nothing(settings, mina):
    with openai_server.serve(delay_s=0.4) as server:
        connection = database.connect(settings)
        job_id = queue_run(connection.cursor(), mina, server.base_url)
        connection.close()
        for kill_after in (2.0, 0.4, 0.6):
            app = subprocess.Popen(
                [sys.executable, "-c", APP, str(settings.data)], cwd=REPOSITORY, stdout=subprocess.PIPE
            )
            assert app.stdout.readline() == b"up\n"
            time.sleep(kill_after)
            app.kill()
            app.wait()
        connection = database.connect(settings)
        conn = connection.cursor()
        supervisor.drain(settings, conn)
    job = jobs.find(conn, job_id)
    assert (job.state, job.attempts) == ("done", 1)  # the worker outlived three apps
    assert answered(conn) == (SAMPLES, SAMPLES)
    assert len(server.seen) == SAMPLES
    assert audit.first_bad_entry(conn) is None
    connection.close()


def test_a_stopped_job_keeps_its_answers_and_resumes_with_the_rest(settings, conn, mina):
    with openai_server.serve(delay_s=0.25) as server:
        job_id = queue_run(conn, mina, server.base_url)
        step_until(settings, conn, lambda: 0 < answered(conn)[0] < SAMPLES)
        jobs.stop(conn, settings, job_id, by=mina)
        supervisor.drain(settings, conn)
        assert jobs.find(conn, job_id).state == "stopped"
        kept = answered(conn)[0]
        assert 0 < kept < SAMPLES
        server.delay_s = 0.0
        jobs.resume(conn, settings, job_id, by=mina)
        supervisor.drain(settings, conn)
    assert jobs.find(conn, job_id).state == "done"
    assert answered(conn) == (SAMPLES, SAMPLES)


def test_a_stop_counts_while_the_job_is_being_launched(settings, conn, mina, monkeypatch):
    """Both orders: the stop comes while inputs are written, and the launch comes while the stop is under way."""
    job_id = queue_run(conn, mina, "http://127.0.0.1:9/v1", count=3)
    prepare, find = supervisor.prepare, jobs.find

    def stopped_meanwhile(*given):
        prepare(*given)
        jobs.stop(conn, settings, job_id, by=mina)

    monkeypatch.setattr(supervisor, "prepare", stopped_meanwhile)
    supervisor.step(settings, conn, LocalLauncher())
    assert find(conn, job_id).state == "stopped"
    assert not (jobs.folder_of(settings, job_id) / "pid").exists(), "no worker was started"

    def launched_meanwhile(*given):
        seen = find(*given)
        if seen.state == "queued":
            jobs.set_state(conn, job_id, "running")
        return seen

    jobs.resume(conn, settings, job_id, by=mina)
    monkeypatch.setattr(jobs, "find", launched_meanwhile)
    jobs.stop(conn, settings, job_id, by=mina)
    assert find(conn, job_id).state == "stopping"
    assert job_folder.asked_to_stop(jobs.folder_of(settings, job_id))


def stop_seconds(settings, conn, mina, job_id):
    """How long a job takes to be stopped, from the asking."""
    began = time.monotonic()
    jobs.stop(conn, settings, job_id, by=mina)
    step_until(settings, conn, lambda: jobs.find(conn, job_id).state == "stopped")
    return time.monotonic() - began


def test_a_stop_is_heeded_within_ten_seconds_and_leaves_no_call_open(settings, conn, mina):
    with openai_server.serve(delay_s=0.2) as server:
        job_id = queue_run(conn, mina, server.base_url)
        step_until(settings, conn, lambda: server.seen)
        server.delay_s = 50.0
        step_until(settings, conn, lambda: server.at_once == 16)
        assert stop_seconds(settings, conn, mina, job_id) < 10
        step_until(settings, conn, lambda: server.at_once == 0)
        assert server.gone == 16


def test_a_local_model_heeds_a_stop_within_ten_seconds(settings, conn, mina, tmp_path):
    task = tasks.create(conn, by=mina, name={"en": "Echo"}, description={"en": ""})
    eval_set = eval_sets.save(conn, by=mina, task_id=task.task_id, name="Echo", rows=rows(3000), scorer="exact")
    model = models.register_local(conn, by=mina, folder=tiny.model(tmp_path / "model"))
    rungs = [("A", Prompt(name="A", system="", template="{input}"))]
    ladder = prompts.save_ladder(conn, by=mina, task_id=task.task_id, eval_set_name="Echo", rungs=rungs)
    decoding = Decoding(max_new_tokens=50, temperature=2.0)
    job_id = runs.start_ladder(conn, by=mina, eval_set=eval_set, ladder=ladder, model=model, decoding=decoding)
    step_until(settings, conn, lambda: answered(conn)[0] > 0, seconds=240)
    assert stop_seconds(settings, conn, mina, job_id) < 10
    assert 0 < answered(conn)[0] < 3000


def test_jobs_that_wait_know_their_place(settings, conn, mina):
    first = queue_run(conn, mina, "http://127.0.0.1:9/v1", count=1)
    with audit.change(conn, actor=mina.person_id, act="run.started", subject="more"):
        for job_id, kind, path in (
            ("second", "generate", ""), ("beside", "rewrite", ""), ("called", "index", ""), ("third", "train", ""),
            ("read here", "index", "/models/e5"),
        ):  # fmt: skip
            spec = {"embedder": {"path": path}}
            jobs.insert(conn, jobs.Job(job_id=job_id, kind=kind, task_id=None, title="", values={}, spec=spec, by="x"))

    def places(*job_ids):
        return [jobs.place(conn, jobs.find(conn, job_id)) for job_id in job_ids]

    assert places(first, "second", "third", "read here", "beside", "called") == [1, 2, 3, 4, 1, 1]
    jobs.stop(conn, settings, first, by=mina)
    assert places("second", "third", "beside") == [1, 2, 1]


def test_a_worker_that_dies_every_time_is_reported_and_can_be_resumed(settings, conn, mina):
    class Doomed(LocalLauncher):
        def launch(self, folder: Path) -> None:
            (folder / "spec.json").unlink(missing_ok=True)  # it cannot even read what to do
            super().launch(folder)

    job_id = queue_run(conn, mina, "http://127.0.0.1:9/v1", count=3)
    supervisor.drain(settings, conn, Doomed())
    job = jobs.find(conn, job_id)
    assert job.state == "interrupted"
    assert "died 3 times" in job.message % job.message_values
    with openai_server.serve() as server:
        conn.execute("update models set base_url = ?", [server.base_url])
        jobs.resume(conn, settings, job_id, by=mina)
        supervisor.drain(settings, conn)
    assert answered(conn) == (3, 3)


def test_an_endpoint_that_is_not_there_fails_the_job_with_a_sentence(settings, conn, mina):
    job_id = queue_run(conn, mina, "http://127.0.0.1:9/v1", count=3)
    supervisor.drain(settings, conn)
    job = jobs.find(conn, job_id)
    assert job.state == "failed"
    assert "127.0.0.1:9" in job.message % job.message_values
    assert answered(conn) == (0, 0)


def test_a_job_whose_files_cannot_be_written_says_so_and_holds_up_nobody(settings, conn, mina):
    job_id = queue_run(conn, mina, "http://127.0.0.1:9/v1", count=3)
    folder = jobs.folder_of(settings, job_id)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    supervisor.step(settings, conn, LocalLauncher())
    job = jobs.find(conn, job_id)
    assert job.state == "failed"
    assert "could not be written: File exists. Make room" in job.message % job.message_values
    folder.unlink()
    with openai_server.serve() as server:
        conn.execute("update models set base_url = ?", [server.base_url])
        jobs.resume(conn, settings, job_id, by=mina)
        supervisor.drain(settings, conn)
    assert answered(conn) == (3, 3)


def test_a_failed_call_is_a_failed_call_and_never_a_wrong_answer(settings, conn, mina):
    with openai_server.serve() as server:
        server.faults["question 1"] = [openai_server.returns(JSONResponse({"choices": []}))] * 9
        queue_run(conn, mina, server.base_url, count=3)
        supervisor.drain(settings, conn)
    assert conn.execute("select count(*) from answers where failure is not null").fetchone() == (1,)
    assert conn.execute("select count(*), min(value) from scores").fetchone() == (2, 1.0)


def test_taking_in_the_same_shard_twice_changes_nothing(settings, conn, mina):
    with openai_server.serve() as server:
        job_id = queue_run(conn, mina, server.base_url, count=5)
        supervisor.drain(settings, conn)
    shard = list(job_folder.read_lines(job_folder.shards(jobs.folder_of(settings, job_id))[0]))
    assert answers.keep(conn, job_id, shard) == 0
    assert answered(conn) == (5, 5)


def test_only_an_operator_may_stop_or_resume(settings, conn, mina):
    job_id = queue_run(conn, mina, "http://127.0.0.1:9/v1", count=3)
    for act in (jobs.stop, jobs.resume):
        with pytest.raises(Refusal, match="operator"):
            act(conn, settings, job_id, by=READER)


def test_the_key_of_an_endpoint_is_in_no_job_folder_and_no_row(settings, conn, mina, monkeypatch):
    monkeypatch.setenv("CANARY_KEY", "sk-canary-7f3a")
    with openai_server.serve(key="sk-canary-7f3a") as server:
        queue_run(conn, mina, server.base_url, count=2)
        conn.execute("update models set key_env = 'CANARY_KEY'")
        supervisor.drain(settings, conn)
    assert answered(conn) == (2, 2)
    conn.execute("checkpoint")
    for path in settings.data.rglob("*"):
        assert not path.is_file() or b"sk-canary-7f3a" not in path.read_bytes(), path


def test_half_an_event_left_by_a_kill_hides_none_of_the_others(tmp_path):
    job_folder.tell(tmp_path, "started", pid=1)
    with (tmp_path / "events.jsonl").open("a") as events:
        events.write('{"at": "2026')
    job_folder.tell(tmp_path, "progress", done=3, total=4)
    assert progress.read(tmp_path).done == 3
    assert json.loads((tmp_path / "events.jsonl").read_text().splitlines()[-1])["event"] == "progress"
