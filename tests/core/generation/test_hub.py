"""A model comes from a hub as plain files only, whole and as listed; a real HTTP server speaks the hub's two routes."""

import hashlib
import http.server
import json
import threading
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from core.access.people import Person
from core.errors import Refusal
from core.evaluation import models
from core.generation import hub
from core.jobs import folder as job_folder
from core.jobs import jobs, supervisor
from core.store import database

SHA = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b"{}",
    "tokenizer.json": b'{"a": 1}',
    "model.safetensors": bytes(range(256)) * 4000,
    "modeling_evil.py": b"raise SystemExit",
    "pytorch_model.bin": b"\x80pickle",
    "sub/config.json": b"{}",
}


@pytest.fixture
def server(monkeypatch):
    """`files` is what it has, `asked` the files and ranges asked for; it cuts the weights once after `cut` bytes."""
    state = SimpleNamespace(files=dict(FILES), listed=dict(FILES), asked=[], cut=None)

    class Hub(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            path = self.path.partition("?")[0]
            if path.startswith("/api/models/team/small"):
                siblings = [
                    {"rfilename": name, "size": len(body), "blobId": "0" * 40}
                    | ({"lfs": _lfs(body)} if name.endswith(".safetensors") else {})
                    for name, body in state.listed.items()
                ]
                return self.send(json.dumps({"id": "team/small", "sha": SHA, "siblings": siblings}).encode())
            name = path.removeprefix(f"/team/small/resolve/{SHA}/")
            if name not in state.files:
                return self.send(b"{}", 404, {"X-Error-Code": "RepoNotFound"})
            body, begin = state.files[name], 0
            if given := self.headers.get("Range"):
                begin = int(given.removeprefix("bytes=").partition("-")[0])
            if self.command == "GET":
                state.asked.append((name, begin))
            about = {"X-Repo-Commit": SHA, "ETag": f'"{hashlib.sha256(body).hexdigest()}"'}
            self.send(body[begin:], 206 if begin else 200, about)

        def send(self, body, status=200, headers=()):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **dict(headers)}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if state.cut is not None and len(body) > state.cut:
                body, state.cut, self.close_connection = body[: state.cut], None, True
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setenv("COUNTERSIGN_HUB", f"http://127.0.0.1:{running.server_port}")
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "0")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # a worker has imported nothing of it before
    yield state
    running.shutdown()
    running.server_close()


def _lfs(body):
    return {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 130}


@pytest.fixture
def job(tmp_path):
    folder = tmp_path / "job"
    folder.mkdir()
    return folder


def test_data_is_fetched_and_programs_are_not(server, job, tmp_path):
    made = hub.fetch(job, tmp_path, "team/small")
    kept = {path.name for path in (tmp_path / "team--small").iterdir()}
    assert kept == {"config.json", "tokenizer.json", "model.safetensors", "NOTICE"}
    assert made["files"]["model.safetensors"] == hashlib.sha256(FILES["model.safetensors"]).hexdigest()
    assert SHA in (tmp_path / "team--small" / "NOTICE").read_text()
    assert {name for name, _ in server.asked} == kept - {"NOTICE"}
    last = [line for line in job_folder.read_lines(job / "events.jsonl") if line["event"] == "progress"][-1]
    assert last["done"] == last["total"] == sum(len(FILES[name]) for name in kept - {"NOTICE"})


def test_a_download_that_was_cut_goes_on_where_it_ended(server, job, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100_000)
    server.cut = 500_000
    try:
        hub.fetch(job, tmp_path, "team/small")
    except Refusal:
        hub.fetch(job, tmp_path, "team/small")
    begins = [begin for name, begin in server.asked if name == "model.safetensors"]
    assert begins == [0, 500_000]
    assert (tmp_path / "team--small" / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_a_file_that_is_not_the_listed_one_is_refused(server, job, tmp_path):
    server.files["model.safetensors"] = FILES["model.safetensors"][::-1]
    with pytest.raises(Refusal, match="not the one that the hub lists"):
        hub.fetch(job, tmp_path, "team/small")
    assert not (tmp_path / "team--small").exists()


def test_what_cannot_be_had_is_said_in_a_sentence(server, job, tmp_path, monkeypatch):
    with pytest.raises(Refusal, match="has no model team/other"):
        hub.fetch(job, tmp_path, "team/other")
    del server.listed["model.safetensors"]
    with pytest.raises(Refusal, match=r"no \.safetensors weights"):
        hub.fetch(job, tmp_path, "team/small")
    monkeypatch.setenv("COUNTERSIGN_HUB", "http://127.0.0.1:9")
    with pytest.raises(Refusal, match="cannot be reached"):
        hub.fetch(job, tmp_path, "team/small")
    monkeypatch.setenv("COUNTERSIGN_HUB", "http://elsewhere.example")
    with pytest.raises(Refusal, match="not allowed here"):
        hub.fetch(job, tmp_path, "team/small")


def test_a_fetched_model_is_registered_with_its_hashes(server, settings, mina):
    connection = database.connect(settings)
    conn = connection.cursor()
    with pytest.raises(Refusal, match="no name on a hub"):
        models.fetch_hub(conn, by=mina, repo="../small")
    with pytest.raises(Refusal):
        models.fetch_hub(conn, by=Person(person_id="r", name="R", roles=frozenset()), repo="team/small")
    job_id = models.fetch_hub(conn, by=mina, repo="team/small")
    supervisor.drain(settings, conn)
    assert jobs.find(conn, job_id).state == "done"
    [model] = models.everything(conn)
    assert (model.name, model.kind) == ("team--small", "local")
    assert sorted(model.file_hashes) == ["config.json", "model.safetensors", "tokenizer.json"]
    connection.close()
