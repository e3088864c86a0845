"""A model from a hub: its weights as safetensors, its settings and its tokenizer; nothing that could run code.

The hub is huggingface.co, or a mirror named in COUNTERSIGN_HUB or HF_ENDPOINT. Workers only.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from core import content
from core.errors import Refusal
from core.generation import addresses
from core.jobs import folder as job_folder
from core.locale.mark import N_

TAKEN = re.compile(r"\w[\w.-]*\.(safetensors|json|txt|model|jinja)")
"""File names that are fetched: plain data beside the model card, never programs or pickles, none in sub-folders."""


class _Stopped(Exception):
    """The job was asked to stop."""


def endpoint() -> str:
    """The hub in use. Raises Refusal unless it is an address that may be called."""
    told = os.environ.get("COUNTERSIGN_HUB") or os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return addresses.check(told).rstrip("/")


def work(folder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Fetch the model `spec["repo"]` into the folder `spec["into"]`."""
    return fetch(folder, Path(spec["into"]), spec["repo"])


def fetch(folder: Path, into: Path, repo: str) -> dict[str, Any]:
    """Have the model's folder in `into`; returns its path and the SHA-256 of its files.

    A download that was cut off goes on where it ended. Refusal if the hub cannot be reached, knows no such model, has
    none of its weights as safetensors, or sends a file that is not the one it lists.
    """
    where, target = endpoint(), into / repo.replace("/", "--")
    if not target.exists():
        work_in = into / f".{target.name}"
        try:
            revision = _download(folder, work_in, repo, where)
        except _Stopped:
            return {"stopped": True}
        shutil.rmtree(work_in / ".cache", ignore_errors=True)
        (work_in / "NOTICE").write_text(f"{repo}, revision {revision}, from {where}\n", "utf-8")
        work_in.replace(target)
    return {"path": str(target), "files": {path.name: content.file_digest(path) for path in sorted(target.iterdir())}}


def _download(folder: Path, work_in: Path, repo: str, where: str) -> str:
    """The model's files; returns the revision that all of them are of."""
    # Read when the client is imported. Everywhere else it is offline; here files come by plain HTTP from the hub alone.
    os.environ |= {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    import httpx2
    import huggingface_hub as hub
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    job_folder.tell(folder, "phase", name="downloading")
    try:
        found = hub.HfApi(endpoint=where).model_info(repo, files_metadata=True, timeout=30)
        files = [one for one in found.siblings or [] if TAKEN.fullmatch(one.rfilename)]
        if not any(one.rfilename.endswith(".safetensors") for one in files):
            raise Refusal(
                N_(
                    "The model %(repo)s has no .safetensors weights on the hub. Choose one that has; other formats can "
                    "run code and are not fetched."
                ),
                repo=repo,
            )
        bar = _bar(folder, sum(one.size or 0 for one in files))
        for one in files:
            path = hub.hf_hub_download(
                repo, one.rfilename, revision=found.sha, local_dir=work_in, endpoint=where, tqdm_class=bar
            )
            _check(Path(path), one.lfs.sha256 if one.lfs else None, repo)
    except GatedRepoError:
        raise Refusal(
            N_(
                "The model %(repo)s is given only to people who have accepted its terms. Accept them on the hub, and "
                "set the environment variable HF_TOKEN where Countersign is started."
            ),
            repo=repo,
        ) from None
    except RepositoryNotFoundError:
        raise Refusal(
            N_("The hub %(hub)s has no model %(repo)s, or does not show it. Check how it is spelt."),
            hub=where,
            repo=repo,
        ) from None
    except (HfHubHTTPError, httpx2.HTTPError, hub.errors.LocalEntryNotFoundError, hub.errors.OfflineModeIsEnabled):
        raise Refusal(
            N_(
                "The hub %(hub)s cannot be reached, or did not send all of %(repo)s. What has arrived is kept. Check "
                "the network and press Resume, or add a model from a folder on this machine instead."
            ),
            hub=where,
            repo=repo,
        ) from None
    return str(found.sha)


def _bar(folder: Path, total: int) -> Any:
    """A progress bar as the client wants it, that tells the job's folder instead, over all files."""
    from huggingface_hub.utils.tqdm import tqdm

    done = 0

    class Bar(tqdm):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **{**named, "disable": True})  # type: ignore[no-untyped-call]
            self.count(named.get("initial", 0))

        def count(self, size: float | None) -> None:
            nonlocal done
            done += int(size or 0)
            job_folder.tell(folder, "progress", done=done, total=max(done, total))
            if job_folder.asked_to_stop(folder):
                raise _Stopped

        def update(self, n: float | None = 1) -> bool | None:
            self.count(n)
            return None

    return Bar


def _check(file: Path, sha256: str | None, repo: str) -> None:
    if sha256 and (found := content.file_digest(file)) != sha256:
        file.unlink()
        raise Refusal(
            N_(
                "The file %(file)s of %(repo)s is not the one that the hub lists: its SHA-256 is %(found)s, expected "
                "was %(expected)s. It was deleted. Press Resume; if it stays so, ask who runs the hub."
            ),
            file=file.name,
            repo=repo,
            found=found,
            expected=sha256,
        )
