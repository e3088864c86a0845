"""Answers are in a shard soon, and waiting for them leaves nothing."""

import pytest

from core.generation import work
from core.jobs import folder as job_folder
from core.jobs import journal
from core.jobs.journal import Journal
from tests import openai_server


def test_an_answer_is_in_a_shard_soon_even_if_none_follows(tmp_path, monkeypatch):
    with Journal(tmp_path) as kept:
        assert not kept.add([{"text": "a"}])
        assert job_folder.shards(tmp_path) == []
        monkeypatch.setattr(journal, "SHARD_SECONDS", 0)
        assert kept.add([]), "asked again while nothing comes"
        (shard,) = job_folder.shards(tmp_path)
        assert list(job_folder.read_lines(shard)) == [{"text": "a"}]
        assert not kept.add([])
    assert list((tmp_path / "answers").iterdir()) == [shard]


@pytest.mark.parametrize("count", [0, 2])
def test_waiting_for_slow_answers_makes_no_empty_shards(tmp_path, monkeypatch, count):
    monkeypatch.setattr(journal, "SHARD_SECONDS", 0)
    with openai_server.serve(delay_s=1) as server:
        named = {"run_id": "run", "repeat": 0, "model": "api", "messages": [{"role": "user", "content": "?"}]}
        job_folder.write_lines(tmp_path / "items.jsonl", [{"sample_id": str(one), **named} for one in range(count)])
        model = {"kind": "api", "base_url": server.base_url, "model": "tiny", "key_env": None, "concurrency": 1}
        assert work.work(tmp_path, {"models": {"api": model}, "decoding": {}})["answers"] == count
    assert [len(list(job_folder.read_lines(shard))) for shard in job_folder.shards(tmp_path)] == [1] * count
