"""What turns texts into vectors, so that passages are found by meaning: a model behind an endpoint or in a folder."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import content
from core.errors import Refusal
from core.evaluation import models
from core.generation import addresses
from core.knowledge import encoders
from core.locale.mark import N_

LONGEST = 2_000
"""Characters of a question that count: models for embeddings read a page at most."""
MOST_KNOWN = 2_000
"""Questions whose vectors are remembered: an estimate asks the same ones at every look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedder:
    """A model for embeddings: at an address, its key only ever named by its environment variable, or in a folder."""

    base_url: str = ""
    model: str
    """As the server calls it, or the folder's name."""
    key_env: str | None = None
    path: str = ""
    files: str = ""
    """Hash of the folder's files."""

    @property
    def embedder_id(self) -> str:
        """Named by what decides the vectors."""
        return content.name("embedder", [self.files] if self.path else [self.base_url, self.model])

    def row(self) -> dict[str, Any]:
        """As it is kept; `Embedder(**row)` reads it."""
        return asdict(self)


def endpoint(base_url: str, model: str, key_env: str = "") -> Embedder:
    """An endpoint as it was typed in. Raises Refusal for an address that may not be called, and for a key itself."""
    if not model.strip():
        raise Refusal(N_("The endpoint needs a model name. Write it as the server lists it."))
    if key_env and not key_env.isidentifier():
        raise Refusal(
            N_(
                "Give the name of the environment variable that holds the key, such as OPENAI_API_KEY, "
                "not the key itself."
            )
        )
    return Embedder(base_url=addresses.check(base_url).rstrip("/"), model=model.strip(), key_env=key_env or None)


def folder(path: str) -> Embedder:
    """A sentence-transformers folder as it was typed in. Raises Refusal when there is no model in it."""
    if not path.strip():
        raise Refusal(N_("Say which folder the model is in, such as /models/Qwen2.5-0.5B-Instruct."))
    found = Path(path.strip()).expanduser().resolve()
    models.check_folder(found)
    return Embedder(model=found.name, path=str(found), files=_files(found))


def _files(found: Path) -> str:
    """Of all that decides the vectors, in the folders within, too."""
    inner = {one.name: models.hashes(one) for one in sorted(found.iterdir()) if one.is_dir()}
    return content.digest({"": models.hashes(found), **inner})


def check(embedder: Embedder) -> None:
    """Raises Refusal when the folder has another model by now than the one that it was chosen for."""
    if embedder.path and (not Path(embedder.path).is_dir() or _files(Path(embedder.path)) != embedder.files):
        raise Refusal(
            N_("The model in %(folder)s is not the one that the index was made with. Bring its files back, or make "
               "a new version with the model that is there now."), folder=embedder.path,
        )  # fmt: skip


def _vectors(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    check(embedder)
    if embedder.path:
        return encoders.encode(embedder.path, texts, question=True)
    from core.generation import embedding  # its client takes a second to load, and only an address needs it

    return embedding.embed(base_url=embedder.base_url, model=embedder.model, key_env=embedder.key_env, texts=texts)


_known: OrderedDict[tuple[str, str], NDArray[np.float32]] = OrderedDict()
_remembering = threading.Lock()


def questions(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """A vector of length 1 for each question, questions × dimensions; those asked lately are not asked for again."""
    keys = [(embedder.embedder_id, text[:LONGEST]) for text in texts]
    with _remembering:
        found = {key: _known[key] for key in keys if key in _known}
    if new := list(dict.fromkeys(key for key in keys if key not in found)):
        asked = dict(zip(new, _vectors(embedder, [text for _, text in new]), strict=True))
        found |= asked
        with _remembering:
            _known.update(asked)
            while len(_known) > MOST_KNOWN:
                _known.popitem(last=False)
    return np.stack([found[key] for key in keys])
