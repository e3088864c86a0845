"""The answering job: every item once, whatever happens to the worker."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from core.generation import local, work
from core.jobs import folder as job_folder
from core.jobs import journal
from tests import tiny

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny.model(tmp_path_factory.mktemp("model"))


def job(folder: Path, base: Path, *, items: int, max_new_tokens: int = 8, model: str = "base") -> dict[str, Any]:
    """Write the inputs of a job over `items` samples of one run and return its spec."""
    job_folder.write_lines(
        folder / "items.jsonl",
        (
            {
                "run_id": "run",
                "sample_id": f"sample-{number}",
                "repeat": 0,
                "model": model,
                "messages": [{"role": "user", "content": f"Where is card {number}?"}],
            }
            for number in range(items)
        ),
    )
    spec = {
        "kind": "generate",
        "models": {model: {"kind": "local", "path": str(base), "adapter": None}},
        "decoding": {"max_new_tokens": max_new_tokens, "temperature": 0.0, "seed": 0},
    }
    job_folder.write_json(folder / "spec.json", spec)
    return spec


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for shard in job_folder.shards(folder) for row in job_folder.read_lines(shard)]


def on_file(folder: Path) -> list[dict[str, Any]]:
    """What no kill takes away: the rows of shards, and of what is about to become one."""
    begun = sorted((folder / "answers").glob("*.partial"))
    return rows(folder) + [row for partial in begun for row in job_folder.read_lines(partial)]


def test_every_item_gets_one_row_and_progress_is_told(base, tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "SHARD_SECONDS", 0)  # a shard for each batch, however quick
    spec = job(tmp_path, base, items=100)
    assert work.work(tmp_path, spec) == {"answers": 100, "failures": 0}
    assert {row["sample_id"] for row in rows(tmp_path)} == {f"sample-{number}" for number in range(100)}
    progress = [event for event in job_folder.events(tmp_path) if event["event"] == "progress"]
    told = [(event["done"], event["total"]) for event in progress]
    assert told == [(50, 100), (100, 100), (100, 100)]  # two batches, since 96 fit in one, and the end


def test_what_a_shard_holds_is_not_asked_again(base, tmp_path):
    spec = job(tmp_path, base, items=5)
    kept = {"run_id": "run", "sample_id": "sample-2", "repeat": 0, "text": "kept", "failure": None}
    job_folder.add_shard(tmp_path, [kept])
    assert work.work(tmp_path, spec)["answers"] == 5
    assert [row["text"] for row in rows(tmp_path) if row["sample_id"] == "sample-2"] == ["kept"]
    assert len(rows(tmp_path)) == 5


def test_a_call_that_cannot_be_made_is_kept_with_its_reason(base, tmp_path):
    spec = job(tmp_path, base, items=2, max_new_tokens=1020)
    assert work.work(tmp_path, spec) == {"answers": 2, "failures": 2}
    assert all(row["text"] is None and "1024" in row["failure"] for row in rows(tmp_path))


def test_a_stopped_job_says_so_and_goes_on_later(base, tmp_path):
    spec = job(tmp_path, base, items=3)
    job_folder.ask_to_stop(tmp_path)
    assert work.work(tmp_path, spec) == {"stopped": True, "answers": 0, "failures": 0}
    (tmp_path / "stop").unlink()
    assert work.work(tmp_path, spec) == {"answers": 3, "failures": 0}


def test_base_and_adapter_share_one_load(base, tmp_path):
    loaded = work.load({"kind": "local", "path": str(base), "adapter": None}, None)
    assert work.load({"kind": "local", "path": str(base), "adapter": None}, loaded) is loaded
    other = tiny.model(tmp_path / "other", seed=1)
    switched = work.load({"kind": "local", "path": str(other), "adapter": None}, loaded)
    assert isinstance(switched, local.LocalGenerator)
    assert switched is not loaded


def test_a_killed_worker_goes_on_where_it_was(base, tmp_path):
    job(tmp_path, base, items=400, max_new_tokens=100)
    command = [sys.executable, "-m", "core.jobs.worker", str(tmp_path)]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    worker = subprocess.Popen(command, cwd=ROOT, env=one_thread)
    while not on_file(tmp_path) and worker.poll() is None:
        time.sleep(0.002)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    before = on_file(tmp_path)
    assert 0 < len(before) < 400
    assert job_folder.result(tmp_path) is None

    assert subprocess.run(command, cwd=ROOT, env=one_thread).returncode == 0
    result = job_folder.result(tmp_path)
    assert result == {"status": "done", "message": "", "answers": 400, "failures": 0}
    assert rows(tmp_path)[: len(before)] == before
    assert len({row["sample_id"] for row in rows(tmp_path)}) == len(rows(tmp_path)) == 400
