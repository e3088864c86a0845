"""A model that a worker could not load is refused before anybody waits for one."""

import json
from pathlib import Path

import pytest

from core.errors import Refusal
from core.evaluation import endpoints, models, retirements, terms
from core.evaluation.terms import Terms
from core.jobs import jobs
from tests.core.jobs.conftest import queue_run


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


def test_a_retired_model_is_offered_no_more_until_it_is_brought_back_and_both_are_on_record(conn, mina, folder):
    model = models.register_local(conn, by=mina, folder=folder)
    for _ in range(2):  # the second time nothing is left to do
        retirements.retire(conn, by=mina, model_id=model.model_id)
    assert (models.offered(conn), retirements.everything(conn)) == ([], [model])
    assert models.find(conn, model.model_id) == model
    for _ in range(2):
        retirements.restore(conn, by=mina, model_id=model.model_id)
    assert (models.offered(conn), retirements.everything(conn)) == ([model], [])
    retirements.retire(conn, by=mina, model_id=model.model_id)
    assert models.register_local(conn, by=mina, folder=folder) == model, "who adds it again wants it"
    assert models.offered(conn) == [model]
    said = "select act, actor from audit_events where subject = ? and act <> 'model.added' order by seq"
    assert conn.execute(said, [model.model_id]).fetchall() == [
        ("model.retired", "mina"), ("model.restored", "mina"), ("model.retired", "mina"), ("model.restored", "mina"),
    ]  # fmt: skip
    with pytest.raises(Refusal, match="no such model"):
        retirements.retire(conn, by=mina, model_id="model-never")


def test_a_base_is_retired_after_its_adapters_and_comes_back_with_them(conn, mina, folder):
    base = models.register_local(conn, by=mina, folder=folder)
    tuned = models.Model(
        model_id="tuned",
        name="Tuned",
        kind="adapter",
        path="x",
        base_model_id=base.model_id,
        file_hashes={},
        lineage={},
    )
    models.insert(conn, tuned, "mina")
    with pytest.raises(Refusal, match="is the base of Tuned"):
        retirements.retire(conn, by=mina, model_id=base.model_id)
    for one in (tuned, base):
        retirements.retire(conn, by=mina, model_id=one.model_id)
    assert models.offered(conn) == []
    retirements.restore(conn, by=mina, model_id="tuned")
    assert models.offered(conn) == [base, tuned]


def test_a_model_that_a_job_needs_or_a_release_serves_is_not_retired(conn, mina):
    model = models.register_api(conn, by=mina, name="Mine", base_url="http://127.0.0.1:1/v1", api_model="m")
    named = {"job_id": "j", "kind": "generate", "task_id": None, "title": "", "values": {}, "by": "mina"}
    jobs.insert(conn, jobs.Job(**named, spec={"judge": model.model_id}))
    with pytest.raises(Refusal, match="A job waits for “Mine”"):
        retirements.retire(conn, by=mina, model_id=model.model_id)
    jobs.set_state(conn, "j", "done")
    conn.execute(
        "insert into releases values ('r', 'cards', 1, 's', {'model': {'model_id': ?}}::json, 'd', 'mina', now())",
        [model.model_id],
    )
    conn.execute("insert into alias_moves values ('cards', 'production', 1, 'r', null, '', 'released', 'mina', now())")
    with pytest.raises(Refusal, match=r"in the release that cards@production points to"):
        retirements.retire(conn, by=mina, model_id=model.model_id)
    assert models.offered(conn) == [model]


def test_a_mistyped_endpoint_leaves_the_list_when_its_address_is_corrected_unless_it_was_asked(conn, mina):
    typed = {"base_url": "http://127.0.0.1:1/v1", "api_model": "m"}
    model = models.register_api(conn, by=mina, name="Mine", **typed)
    moved = endpoints.correct(conn, by=mina, model_id=model.model_id, **typed | {"base_url": "http://127.0.0.1:2/v1"})
    assert (models.offered(conn), retirements.everything(conn)) == ([moved], [model])
    queue_run(conn, mina, "http://127.0.0.1:3/v1", count=1)
    asked = models.offered(conn)[-1]
    other = endpoints.correct(conn, by=mina, model_id=asked.model_id, base_url="http://127.0.0.1:4/v1", api_model="m")
    assert models.offered(conn) == [moved, asked, other]
