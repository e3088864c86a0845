"""Rows a second of an import, from the bytes of a CSV file to a saved version, beside `pandas.read_csv` of that file.

`python benchmarks/importing.py [--rows 200000]`. Each part runs in a process of its own, so that its peak memory is its
own. pandas only parses; ours also checks every row, finds repetitions, names every sample by content and stores it.
"""

import argparse
import csv
import io
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WORDS = (
    *("card", "fee", "late", "payment", "limit", "travel", "lost", "stolen", "delivery", "pin", "refund", "merchant"),
    *("年费", "逾期", "账单", "还款", "额度", "分期"),
)


def content(rows: int) -> bytes:
    """A CSV file of made-up questions, about 150 bytes a row."""
    draw = random.Random(1)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "question", "answer", "topic"])
    for number in range(rows):
        question = " ".join(draw.choices(WORDS, k=15))
        writer.writerow([f"q{number}", f"{question} {number}", " ".join(draw.choices(WORDS, k=6)), draw.choice("abc")])
    return out.getvalue().encode()


def by_pandas(file: bytes) -> dict[str, float]:
    """Seconds of `read_csv`."""
    import pandas as pd

    started = time.perf_counter()
    pd.read_csv(io.BytesIO(file))
    return {"pandas.read_csv": time.perf_counter() - started}


def by_us(file: bytes) -> dict[str, float]:
    """Seconds of reading, checking and saving."""
    from core.access.people import Person
    from core.evaluation import eval_sets, tasks
    from core.intake import columns, files, importing
    from core.settings import Settings
    from core.store import database

    seconds = {}
    started = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal started
        seconds[name] = time.perf_counter() - started
        started = time.perf_counter()

    table = files.read("questions.csv", file)
    lap("read")
    mapping = columns.guess(table.columns)
    assert mapping is not None
    checked = importing.check(table, mapping)
    lap("check")
    with tempfile.TemporaryDirectory() as folder:
        conn = database.connect(Settings(data=Path(folder))).cursor()
        by = Person(person_id="bench", name="bench", roles=frozenset({"operator"}))
        task = tasks.create(conn, by=by, name={"en": "Bench"}, description={"en": ""})
        started = time.perf_counter()
        saved = eval_sets.save(conn, by=by, task_id=task.task_id, name="Bench", rows=checked.rows, scorer="exact")
        lap("save")
        assert sum(saved.counts.values()) == len(checked.rows)
    return seconds


def measured(work: object, file: bytes, queue: object) -> None:
    """Runs in a process of its own: the seconds, and the memory beyond what it started with, in MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = work(file)  # type: ignore[operator]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    queue.put((seconds, (peak - before) / 1024))  # type: ignore[attr-defined]


def main() -> None:
    """Print seconds, rows a second, memory and the ratio."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=200_000)
    rows = options.parse_args().rows
    file = content(rows)
    print(f"{rows:,} rows, {len(file) / 1e6:.0f} MB of CSV")
    context = multiprocessing.get_context("spawn")
    totals = []
    for work in (by_pandas, by_us):
        queue = context.Queue()
        process = context.Process(target=measured, args=(work, file, queue))
        process.start()
        seconds, memory = queue.get()
        process.join()
        totals.append(sum(seconds.values()))
        parts = ", ".join(f"{name} {each:.2f} s" for name, each in seconds.items())
        print(f"{work.__name__:10s} {rows / totals[-1]:10,.0f} rows/s   {memory:6.0f} MB more at the peak   ({parts})")
    print(f"an import takes {totals[1] / totals[0]:.0f} times as long as parsing alone")


if __name__ == "__main__":
    main()
