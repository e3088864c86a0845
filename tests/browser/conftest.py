"""A real server and a real Chromium."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from core.settings import REPOSITORY

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
HERE = re.compile(r"(https?|ws)://127\.0\.0\.1|data:|blob:")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the app runs, and its one-time link."""

    url: str
    set_up: str
    data: Path


@contextmanager
def running(data: Path) -> Iterator[str]:
    """The app as `make run` starts it, on a port of its own; yields the address that it prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=REPOSITORY,
        env={**os.environ, "COUNTERSIGN_DATA": str(data)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield next((found[0] for line in process.stdout if (found := re.search(r"http://\S+", line))), "")
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A fresh installation."""
    data = tmp_path / "data"
    with running(data) as link:
        assert "token=" in link, "no set-up link was printed"
        yield Server(url=link.partition("/set-up")[0], set_up=link, data=data)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A browser window; every request that leaves this machine fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
        opened = context.new_page()
        opened.set_default_timeout(30_000)
        elsewhere: list[str] = []
        opened.on(
            "request",
            lambda request: HERE.match(request.url) or elsewhere.append(request.url),
        )
        yield opened
        opened.screenshot(path=tmp_path / "last.png")  # what was on screen, should the test have failed
        browser.close()
        assert not elsewhere, f"the page asked for {elsewhere}"
