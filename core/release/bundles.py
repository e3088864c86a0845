"""Bundles: a release as a folder that a business system can load, with the hash of every file in `manifest.json`.

A folder holds `manifest.json`, `prompt.json`, `smoke.jsonl` (questions with the answers that were signed), for a tuned
model `adapter/`, and for one that looks things up `knowledge/` (see `enclosures`). The base is named by its place and
its hashes. Nothing here asks the database, so that the server reads bundles with this module alone.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core import content
from core.errors import Refusal
from core.generation.base import Decoding, Message
from core.knowledge import shown
from core.knowledge.shown import Shown
from core.locale.mark import N_

FORMAT = "countersign-bundle/3"
READABLE = ("countersign-bundle/2", FORMAT)
"""Format 2 has no knowledge in it."""
SMOKE = "smoke.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle as it is on the disk, its own files checked against their hashes."""

    folder: Path
    manifest: Mapping[str, Any]
    prompt: Mapping[str, Any]
    """`system` and `user`: parts that are a text, or name what the question puts in (see `rendering.frame`)."""

    @property
    def decoding(self) -> Decoding:
        return Decoding(**self.manifest["decoding"])

    @property
    def base(self) -> Path | None:
        """The base's folder; None behind an endpoint. After a restore elsewhere it is the one of its name there."""
        path = self.manifest["model"].get("base")
        if not path or Path(path).is_dir():
            return Path(path) if path else None
        beside = self.folder.parent.parent / "models" / Path(path).name
        return beside if beside.is_dir() else Path(path)

    @property
    def remote(self) -> bool:
        """Whether an endpoint answers and no model of this machine."""
        return bool(self.manifest["model"].get("base_url"))

    @property
    def adapter(self) -> Path | None:
        return self.folder / "adapter" if self.manifest["model"].get("adapter") else None

    def messages(
        self,
        question: str,
        context: str = "",
        fields: Mapping[str, str] | None = None,
        passages: Sequence[Shown] = (),
    ) -> tuple[Message, ...]:
        """What the model is asked: the signed prompt with the question, further fields and passages put in as runs do
        it (see `rendering.render`)."""
        values = {"passages": shown.NONE, **(fields or {}), "input": question, "context": context}
        values |= {"passages": shown.in_prompt(passages)} if passages else {}
        said = {
            role: "".join(part["text"] if "text" in part else values.get(part["name"], f"{{{part['name']}}}")
                          for part in self.prompt[role])
            for role in ("system", "user")
        }  # fmt: skip
        return tuple({"role": role, "content": text} for role, text in said.items() if text or role == "user")

    def smoke(self) -> list[dict[str, Any]]:
        """`key`, `split`, `eval_set`, `input`, `context`, `fields` and `answer` of a few questions, as they were
        answered when it was signed; and `asked` where that was not with the bundle's own prompt."""
        return questions(self.folder / SMOKE)

    def as_asked(self, question: Mapping[str, Any]) -> "Bundle":
        """The bundle with the prompt and the schema that this check question was asked with."""
        other = question.get("asked")
        if not other:
            return self
        return replace(self, prompt=other["prompt"], manifest={**self.manifest, "schema": other["schema"]})

    @property
    def looks_up(self) -> bool:
        """Whether its prompt has a place for passages."""
        return any(part.get("name") == "passages" for said in self.prompt.values() for part in said)


def questions(path: Path) -> list[dict[str, Any]]:
    """The check questions of that file."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def write(
    folder: Path,
    manifest: Mapping[str, Any],
    *,
    prompt: Mapping[str, Any],
    smoke: Sequence[Mapping[str, Any]],
    adapter: Path | None,
    enclose: Callable[[Path], None] | None = None,
) -> str:
    """Make the bundle, whole or not at all; returns the hash of its manifest. One that is there is left as it is.

    `enclose` writes what else belongs into the folder.
    """
    if not folder.exists():
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        (partial / "prompt.json").write_text(content.canonical(dict(prompt)) + "\n", "utf-8")
        lines = "".join(content.canonical(dict(one)) + "\n" for one in smoke)
        (partial / SMOKE).write_text(lines, "utf-8")
        if adapter is not None:
            shutil.copytree(adapter, partial / "adapter")
        if enclose is not None:
            enclose(partial)
        files = {
            str(path.relative_to(partial)): content.file_digest(path)
            for path in sorted(partial.rglob("*"))
            if path.is_file()
        }
        (partial / "manifest.json").write_text(content.canonical({**manifest, "files": files}) + "\n", "utf-8")
        partial.replace(folder)
    return content.file_digest(folder / "manifest.json")


def read(folder: Path, digest: str) -> Bundle:
    """The bundle. Raises Refusal when any byte of it is not what was released, naming the file."""
    manifest = folder / "manifest.json"
    if not manifest.is_file() or content.file_digest(manifest) != digest:
        _refuse(folder, "manifest.json")
    written = json.loads(manifest.read_text("utf-8"))
    if written.get("format") not in READABLE:
        raise Refusal(N_("The release %(name)s was made by another version of Countersign. Release it again."),
                      name=folder.name)  # fmt: skip
    for name, hashed in written["files"].items():
        if not (folder / name).is_file() or content.file_digest(folder / name) != hashed:
            _refuse(folder, name)
    prompt = json.loads((folder / "prompt.json").read_text("utf-8"))
    return Bundle(folder=folder, manifest=written, prompt=prompt)


def check_base(bundle: Bundle) -> None:
    """Refuse a base whose files are not those that were signed; this reads every byte of them."""
    base = bundle.base
    for name, hashed in bundle.manifest["model"].get("base_files", {}).items() if base else ():
        assert base is not None
        if not (base / name).is_file() or content.file_digest(base / name) != hashed:
            _refuse(base, name)


def _refuse(folder: Path, name: str) -> None:
    raise Refusal(
        N_("The file %(file)s in %(folder)s is missing or not the one that was released. Roll back, or restore it."),
        file=name,
        folder=folder.name,
    )


def publish(folder: Path, name: str, value: Any) -> None:
    """Write a file that the server reads, whole or not at all, for this user only."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{name}.partial"
    partial.write_text(content.canonical(value), "utf-8")
    os.chmod(partial, 0o600)
    partial.replace(folder / name)
