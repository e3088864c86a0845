"""The server over real HTTP with a real, tiny model: what a business system sees."""

import json
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import uvicorn

from core import content
from core.access import sessions
from core.evaluation import models
from core.release import bundles, serving
from core.settings import Settings
from tests import tiny

KEY = "cs-a-key-for-the-test"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def settings(tmp_path: Path, base: Path) -> Settings:
    """Two releases with unlike prompts; production points at the first, and half of a third is damaged."""
    here = Settings(data=tmp_path / "data")
    folder = here.data / "releases"
    manifest = {"decoding": {"max_new_tokens": 8}, "model": {"base": str(base), "base_files": models.hashes(base)}}
    digests = {
        name: bundles.write(
            folder / name, manifest, prompt={"system": system, "template": "{input}"}, smoke=[], adapter=None
        )
        for name, system in (("one", "Sort."), ("two", "Answer with JSON that gives intent, emotion and action."))
    }
    bundles.publish(folder, "keys.json", [sessions.fingerprint(KEY)])
    point(here, "one", digests["one"])
    (folder / "digests.json").write_text(json.dumps(digests))
    return here


def point(settings: Settings, release_id: str, digest: str, share: float = 0.0) -> None:
    aliases = {"production": {"release_id": release_id, "digest": digest}}
    told = {"parcels-1a2b": {"task_id": "task-1", "logged_share": share, "aliases": aliases}}
    bundles.publish(settings.data / "releases", "aliases.json", told)


@pytest.fixture
def url(settings: Settings):
    server = uvicorn.Server(uvicorn.Config(serving.app(settings), port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def ask(url: str, *, key: str = KEY, model: str = "parcels-1a2b@production", **body) -> tuple[int, str]:
    asked = {"model": model, "messages": [{"role": "user", "content": "Where is my card?"}]} | body
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(asked).encode(), {"Authorization": f"Bearer {key}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_release_answers_moves_without_a_restart_streams_and_refuses_what_is_damaged(url, settings):
    digests = json.loads((settings.data / "releases" / "digests.json").read_text())
    assert ask(url, key="cs-wrong")[0] == 401
    status, text = ask(url)
    first = json.loads(text)
    assert (status, first["system_fingerprint"]) == (200, "one")
    assert first["usage"]["completion_tokens"] <= 8
    assert json.loads(ask(url)[1])["choices"] == first["choices"]  # greedy: the same question, the same answer

    point(settings, "two", digests["two"], share=1.0)
    second = json.loads(ask(url)[1])
    assert second["system_fingerprint"] == "two"
    assert second["choices"] != first["choices"]
    (kept,) = [
        json.loads(line)
        for path in (settings.data / "served").iterdir()
        for line in path.read_text().split("\n")
        if line
    ]
    assert (kept["input"], kept["answer"]) == ("Where is my card?", second["choices"][0]["message"]["content"])

    status, text = ask(url, stream=True)
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert events[-1] == "[DONE]"
    said = "".join(json.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-1])
    assert said == second["choices"][0]["message"]["content"]

    for body in ({"messages": []}, {"messages": [{"role": "system", "content": "x"}]}, {"messages": "x"}):
        assert ask(url, **body)[0] == 400
    assert ask(url, model="nothing@production")[0] == 404

    (settings.data / "releases" / "one" / "prompt.json").write_text("{}")
    point(settings, "one", digests["one"] + "0")
    status, text = ask(url)
    assert status == 503
    assert "not the one that was released" in text
    point(settings, "two", digests["two"])
    assert ask(url)[0] == 200  # the way back, while the server runs


def test_a_base_whose_bytes_changed_is_not_served(tmp_path, base):
    folder = tmp_path / "bundle"
    model = {"base": str(base), "base_files": {"config.json": content.digest("other")}}
    digest = bundles.write(
        folder, {"model": model}, prompt={"system": "", "template": "{input}"}, smoke=[], adapter=None
    )
    with pytest.raises(bundles.Refusal, match=r"config\.json"):
        bundles.check_base(bundles.read(folder, digest))


def test_the_prompt_is_applied_to_the_question_as_it_is(tmp_path):
    prompt = {"system": "Sort.", "template": "{context}\n{input}"}
    digest = bundles.write(tmp_path / "b", {"model": {}}, prompt=prompt, smoke=[], adapter=None)
    bundle = bundles.read(tmp_path / "b", digest)
    assert bundle.messages("{context}?", "rules") == (
        {"role": "system", "content": "Sort."},
        {"role": "user", "content": "rules\n{context}?"},
    )
