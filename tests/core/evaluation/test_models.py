"""A model that a worker could not load is refused before anybody waits for one."""

import json
from pathlib import Path

import pytest

from core.errors import Refusal
from core.evaluation import endpoints, models, terms
from core.evaluation.terms import Terms


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "model"
    place.mkdir()
    (place / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (place / "model.safetensors").write_bytes(b"weights")
    (place / "tokenizer.json").write_text("{}")
    return place


def test_the_same_files_are_the_same_version_and_another_byte_is_another(conn, mina, folder):
    first = models.register_local(conn, by=mina, folder=folder)
    assert models.register_local(conn, by=mina, folder=folder, name="again") == first
    (folder / "model.safetensors").write_bytes(b"Weights")
    second = models.register_local(conn, by=mina, folder=folder)
    assert second.model_id != first.model_id
    assert second.file_hashes["model.safetensors"] != first.file_hashes["model.safetensors"]
    assert [one.model_id for one in models.everything(conn)] == [first.model_id, second.model_id]


def test_a_hub_name_is_answered_with_what_to_do(conn, mina):
    with pytest.raises(Refusal, match=r"hf download Qwen/Qwen2\.5-0\.5B-Instruct"):
        models.register_local(conn, by=mina, folder=Path("Qwen/Qwen2.5-0.5B-Instruct"))


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [("config.json", "no config.json"), ("model.safetensors", "no .safetensors"), ("tokenizer.json", "no tokenizer")],
)
def test_a_folder_with_something_missing_is_refused_by_name(conn, mina, folder, missing, sentence):
    (folder / missing).unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(Refusal, match=sentence):
        models.register_local(conn, by=mina, folder=folder)
    assert models.everything(conn) == []


@pytest.mark.parametrize(
    ("url", "name", "key", "sentence"),
    [
        ("ftp://x", "m", "", "cannot be used"),
        ("http://models.example:8000/v1", "m", "", "not allowed here"),
        ("http://127.0.0.1:1/v1", " ", "", "needs a model name"),
        ("http://127.0.0.1:1/v1", "m", "sk-1234", "environment variable"),
    ],
)
def test_an_endpoint_that_cannot_be_meant_is_refused(conn, mina, url, name, key, sentence):
    with pytest.raises(Refusal, match=sentence):
        models.register_api(conn, by=mina, name="", base_url=url, api_model=name, key_env=key)


def test_the_key_of_an_endpoint_is_corrected_in_place_and_another_address_is_another_version(conn, mina, folder):
    reached = {"base_url": "http://127.0.0.1:1/v1", "api_model": "m"}
    model = models.register_api(conn, by=mina, name="Mine", key_env="MISTYPED", **reached)
    terms.agree(conn, by=mina, model_id=model.model_id, terms=Terms(concurrency=3))
    same = endpoints.correct(conn, by=mina, model_id=model.model_id, key_env="MY_KEY", **reached)
    assert (same.model_id, models.for_worker(conn, same)["key_env"]) == (model.model_id, "MY_KEY")
    said = conn.execute("select actor, detail from audit_events where act = 'model.corrected'").fetchall()
    assert [(actor, json.loads(detail)) for actor, detail in said] == [
        ("mina", {"key_env": "MY_KEY", "before": "MISTYPED"})
    ]
    moved = reached | {"base_url": "http://127.0.0.1:2/v1"}
    other = endpoints.correct(conn, by=mina, model_id=model.model_id, key_env="MY_KEY", **moved)
    assert other.model_id != model.model_id
    assert (other.name, other.key_env, terms.of(conn, other.model_id).concurrency) == ("Mine", "MY_KEY", 3)
    assert models.find(conn, model.model_id) == same
    for wrong, says in (({"key_env": "sk-1234"}, "environment variable"), ({"base_url": "ftp://x"}, "cannot be used")):
        with pytest.raises(Refusal, match=says):
            endpoints.correct(conn, by=mina, model_id=model.model_id, **reached | wrong)
    local = models.register_local(conn, by=mina, folder=folder)
    with pytest.raises(Refusal, match="Only an endpoint"):
        endpoints.correct(conn, by=mina, model_id=local.model_id, **reached)
