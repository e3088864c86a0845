import io
import json
import zipfile
from collections.abc import Iterator

import pytest

from core.access.people import Person
from core.jobs import jobs
from core.settings import Settings
from core.store import database
from core.training import cards, exports, training_sets, trials
from tests import chain
from tests.chain import World


@pytest.fixture
def world(settings: Settings, mina: Person) -> Iterator[World]:
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=2, train=12, gate=4, retain=2)
    chain.to_approval(world)
    yield world
    connection.close()


def freeze(world, method):
    prompt = world.ladder.rungs[0][1]
    return training_sets.freeze(world.conn, by=world.by, task_id=world.task.task_id, prompt=prompt, method=method)


def unpacked(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name.partition("/")[2]: archive.read(name).decode() for name in archive.namelist()}
    [info] = json.loads(files["dataset_info.json"]).values()
    return info, [json.loads(line) for line in files[info["file_name"]].splitlines()]


def test_chat_jsonl_is_one_conversation_a_line_with_the_system_message_that_was_used(world):
    lines = exports.chat_jsonl(world.conn, freeze(world, "sft")).decode().splitlines()
    assert len(lines) == 12
    assert [message["role"] for message in json.loads(lines[0])["messages"]] == ["system", "user", "assistant"]
    assert json.loads(lines[0])["messages"][0]["content"] == "Answer."


def test_pairs_are_written_as_preferred_and_not(world):
    row = json.loads(exports.chat_jsonl(world.conn, freeze(world, "dpo")).decode().splitlines()[0])
    assert row["non_preferred_output"] == [{"role": "assistant", "content": "I am not sure."}]
    assert [message["role"] for message in row["input"]["messages"]] == ["system", "user"]


def test_a_llama_factory_folder_says_which_columns_and_tags_to_read(world):
    info, rows = unpacked(exports.llama_factory(world.conn, freeze(world, "sft")))
    assert (info["formatting"], info["columns"], info["tags"]["role_tag"]) == (
        "sharegpt",
        {"messages": "messages"},
        "role",
    )
    assert len(rows) == 12
    assert [message["role"] for message in rows[0]["messages"]] == ["system", "user", "assistant"]


def test_a_llama_factory_folder_of_pairs_is_a_ranking(world):
    info, rows = unpacked(exports.llama_factory(world.conn, freeze(world, "dpo")))
    assert info["ranking"]
    assert set(info["columns"].values()) == {"messages", "chosen", "rejected"}
    assert rows[0]["rejected"] == {"role": "assistant", "content": "I am not sure."}
    assert rows[0]["messages"][-1]["role"] == "user"


def test_a_card_says_what_a_model_was_made_from(world):
    trial = trials.find(world.conn, chain.train(world))
    card = cards.find(world.conn, trial["model_id"])
    fields = json.loads(cards.as_json(card))
    assert fields["data"]["rows"] == 12
    assert (fields["data"]["as_is"], fields["data"]["corrected"]) == (3, 9)
    assert len(fields["data"]["approvals"]) == 12
    assert fields["base"]["files"] == dict(world.base.file_hashes)
    assert fields["recipe"]["rank"] == 16
    assert {row["decided_by"] for row in card.approvals} == {"mina"}
    assert cards.find(world.conn, world.base.model_id) is None


def test_vllm_is_told_base_adapter_and_a_rank_it_takes(world):
    trial = trials.find(world.conn, chain.train(world))
    words = cards.vllm_command(cards.find(world.conn, trial["model_id"])).split()
    assert words[:2] == ["vllm", "serve"]
    assert words[words.index("--max-lora-rank") + 1] == "16"
    assert words[-1].startswith(f"{trial['model_id']}=")


def test_merging_is_queued_with_what_the_worker_needs(world):
    trial = trials.find(world.conn, chain.train(world))
    card = cards.find(world.conn, trial["model_id"])
    job_id = cards.merge(world.conn, world.settings, by=world.by, card=card)
    job = cards.merging_of(world.conn, trial["model_id"])
    assert (job.job_id, job.kind, len(job.spec["prompts"])) == (job_id, "export", 8)
    assert jobs.find(world.conn, job_id).state == "queued"
    assert cards.merged(world.settings, job) is None
