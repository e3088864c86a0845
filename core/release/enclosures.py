"""The knowledge index enclosed in a bundle: its files and passages, searched without the database."""

import json
import shutil
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from core import content
from core.knowledge import searching, shown
from core.knowledge.indexes import Passage
from core.knowledge.shown import Shown
from core.release.bundles import Bundle

FOLDER = "knowledge"
"""Where it lies in a bundle's folder: `index/` as it was searched, `passages.jsonl`, and where each line begins."""


def write(bundle: Path, index: Path, passages: Iterable[Mapping[str, Any]]) -> None:
    """Copy the index's folder, and write its passages as rows with the fields of `indexes.Passage`."""
    shutil.copytree(index, bundle / FOLDER / "index")
    places, place = {}, 0
    with (bundle / FOLDER / "passages.jsonl").open("wb") as file:
        for one in passages:
            places[one["passage_id"]] = place
            place += file.write((content.canonical(dict(one)) + "\n").encode())
    (bundle / FOLDER / "places.json").write_text(content.canonical(places) + "\n", "utf-8")


def look_up(bundle: Bundle, question: str) -> tuple[Shown, ...]:
    """The passages for the question, as the proof's runs were shown them; none where the release looks nothing up."""
    index = bundle.manifest.get("index")
    if not index:
        return ()
    folder = bundle.folder / FOLDER
    hits = searching.search(folder / "index", question, index["k"])
    places = _places(folder)
    with (folder / "passages.jsonl").open("rb") as file:
        found = []
        for hit in hits:
            file.seek(places[hit.passage_id])
            found.append((Passage(**json.loads(file.readline())), hit.score))
    return shown.of(found)


@lru_cache(maxsize=4)
def _places(folder: Path) -> dict[str, int]:
    """Passage id -> where its line begins. The texts stay on the disk: there may be 100,000."""
    return dict(json.loads((folder / "places.json").read_text("utf-8")))
