"""Verify an exported audit trail: `python -m core verify audit.jsonl`, or this file alone on any machine.

It needs Python and nothing else: no database, no secret, no other file of Countersign. Each line holds one entry with
its SHA-256 `hash` over the rest of the line in canonical JSON, and the hash of the entry before it. A head noted
elsewhere (the anchor file, a certificate, a letter) shows a cut tail, which no chain can see by itself.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

START = "0" * 64


def verify(lines: Iterable[str]) -> tuple[int, str, str]:
    """How many entries are good from the first on, the hash of the last good one, and what is wrong with the next.

    The third is empty when all are good.
    """
    number, previous = 0, START
    for line in lines:
        number += 1
        try:
            entry = json.loads(line)
            written = entry.pop("hash")
            said = entry["seq"], entry["previous_hash"]
        except (ValueError, KeyError, TypeError, AttributeError):
            return number - 1, previous, f"Entry {number} cannot be read."
        if said[0] != number:
            return number - 1, previous, f"Entry {number} is missing or out of place: the line says {said[0]}."
        if said[1] != previous:
            return number - 1, previous, f"Entry {number} does not follow entry {number - 1} as it was written."
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != written:
            return number - 1, previous, f"Entry {number} is not as it was written."
        previous = written
    return number, previous, ""


def main(arguments: list[str] | None = None) -> int:
    """0 if the trail is whole, 1 with a sentence that names the first bad entry, 2 if the file cannot be read."""
    parser = argparse.ArgumentParser(prog="verify", description=__doc__)
    add(parser)
    return run(parser.parse_args(arguments))


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("export", type=Path, help="the trail as JSONL, from the page Audit trail")
    parser.add_argument("--anchor", type=Path, help="anchor.jsonl of the data folder, kept outside the database")
    parser.add_argument("--head", help="the hash of the newest entry as it was noted elsewhere")


def run(chosen: argparse.Namespace) -> int:
    """Do what was asked on the command line."""
    try:
        with chosen.export.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
            good, head, wrong = verify(line for line in file if line.strip())
        anchored = _newest(chosen.anchor) if chosen.anchor else None
    except OSError as error:
        print(f"{error.filename} cannot be read: {error.strerror}.", file=sys.stderr)
        return 2
    if not wrong and anchored is not None and good < anchored[0]:
        wrong = f"{anchored[0] - good} entries are missing at the end: the anchor knows {anchored[0]}."
    elif not wrong and chosen.head and chosen.head != head:
        wrong = "The newest entry is not the one that was noted: the end was cut, or replaced."
    if wrong:
        print(f"{wrong} The first {good} entries are as they were written.")
        return 1
    print(f"The trail is whole: {good} entries, head {head}.")
    return 0


def _newest(anchor: Path) -> tuple[int, str] | None:
    for line in reversed(anchor.read_text("utf-8").splitlines()):
        try:
            written = json.loads(line)
            return int(written["seq"]), str(written["hash"])
        except (ValueError, KeyError, TypeError):
            continue  # half a line, cut by a kill
    return None


if __name__ == "__main__":
    raise SystemExit(main())
