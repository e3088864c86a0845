"""The model folder that a benchmark runs on."""

import argparse
import tempfile
from pathlib import Path

from core import settings
from core.generation import starter


def folder(description: str | None) -> Path:
    """What `--model` names; without it the starter model in the data folder, fetched if it is not there."""
    asked = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--model", type=Path, metavar="FOLDER", help="default: the starter model")
    given: Path | None = asked.parse_args().model
    if given:
        return given
    with tempfile.TemporaryDirectory() as job:
        return Path(starter.work(Path(job), {"into": str(settings.read().models)})["path"])
