"""Vectors from a model in a folder on this machine. It works in a process of its own, which stays for the next text."""

import base64
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Refusal
from core.locale.mark import N_
from core.settings import REPOSITORY

AT_ONCE = 256
PATIENCE = 600
"""Seconds for one lot of texts, the loading of the model among them."""

_running: dict[str, subprocess.Popen[bytes]] = {}
_one_at_a_time = threading.Lock()


def encode(folder: str, texts: Sequence[str], *, question: bool) -> NDArray[np.float32]:
    """A vector of length 1 for each text, texts × dimensions. Some models read questions unlike passages.

    Raises Refusal when the model cannot be used.
    """
    with _one_at_a_time:
        parts = [
            _asked(folder, list(texts[start : start + AT_ONCE]), question) for start in range(0, len(texts), AT_ONCE)
        ]
    return np.concatenate(parts)


def _asked(folder: str, texts: list[str], question: bool) -> NDArray[np.float32]:
    line = json.dumps({"texts": texts, "question": question}).encode() + b"\n"
    for _ in range(2):  # one that was idle for long has left, and comes back
        try:
            said = _say(_process(folder), line)
        except (OSError, ValueError):
            _end(folder)
            continue
        if "problem" in said:
            raise Refusal(
                N_("The model in %(folder)s cannot be used for embeddings (%(problem)s). Give a sentence-transformers "
                   "folder with safetensors weights."), folder=folder, problem=said["problem"],
            )  # fmt: skip
        numbers: NDArray[np.float32] = np.frombuffer(base64.b64decode(said["vectors"]), dtype=np.float32)
        if np.isfinite(numbers).all():
            return numbers.reshape(len(texts), int(said["length"]))
        break
    raise Refusal(
        N_("The model in %(folder)s gave no vectors: its process ended, took more than %(minutes)s minutes, or "
           "computed no numbers. Free some memory, or take another model."), folder=folder, minutes=PATIENCE // 60,
    )  # fmt: skip


def _say(process: "subprocess.Popen[bytes]", line: bytes) -> dict[str, Any]:
    """The process's answer. Raises OSError or ValueError when there is none."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line)
    process.stdin.flush()
    if not select.select([process.stdout], [], [], PATIENCE)[0]:
        raise TimeoutError
    return dict(json.loads(process.stdout.readline()))


def _process(folder: str) -> "subprocess.Popen[bytes]":
    if folder not in _running:
        for other in list(_running):
            _end(other)  # one model in memory at a time
        _running[folder] = subprocess.Popen(
            [sys.executable, "-m", "core.generation.encoder", folder],
            cwd=REPOSITORY, env={**os.environ, "HF_HUB_OFFLINE": "1", "GOMP_SPINCOUNT": "50000"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return _running[folder]


def _end(folder: str) -> None:
    if process := _running.pop(folder, None):
        process.kill()
        process.communicate()
