"""Seconds until a page has run, at 1,000, 20,000 and 200,000 samples.

`python benchmarks/pages.py [--samples 1000 20000 200000]`. The script of each page, with the real database, through
Streamlit's own test harness: what the server does for one click, without the network and the browser's drawing.
"""

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder, in which `pages` is this file
logging.disable(logging.WARNING)

from streamlit.testing.v1 import AppTest  # noqa: E402

from core.access import people, sessions  # noqa: E402
from core.evaluation import eval_sets, examples, ladder_templates, prompts, tasks  # noqa: E402
from core.evaluation.importing import Row  # noqa: E402
from pages._ui import session, state  # noqa: E402

PAGES = ("home/overview", "evaluation/eval_sets", "evaluation/prompts", "evaluation/runs", "training/trial")
CLICKS = 5


def rows(count: int) -> list[Row]:
    """Questions with one of twelve answers."""
    return [
        Row(key=f"k{n}", input=f"Question {n} of a customer about a card", context="", reference=f"topic {n % 12}",
            kind="practice", pair="", group_id=f"g{n}", split=None, critical=False, tags=("en",), line=n + 2)
        for n in range(count)
    ]  # fmt: skip


def measure(samples: int) -> dict[str, float]:
    """The median of a few runs of each page."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COUNTERSIGN_DATA"] = folder
        state.close()
        conn = state.conn()
        by = people.create_first(conn, name="Bench", password="four plain words here")
        token = sessions.start(conn, by)
        session._token = lambda: token
        task = tasks.create(conn, by=by, name={"en": "Bench"}, description={"en": ""})
        saved = eval_sets.save(conn, by=by, task_id=task.task_id, name="Bench", rows=rows(samples), scorer="exact")
        shown = examples.varied(conn, saved.eval_set_id, each=8, most=500)
        rungs = ladder_templates.ladder(shown, "exact", None)
        prompts.save_ladder(conn, by=by, task_id=task.task_id, eval_set_name="Bench", rungs=rungs)
        found = {}
        app = AppTest.from_file(str(ROOT / "pages/_ui/main.py"), default_timeout=120).run()
        for page in PAGES:
            app.switch_page(f"../{page}.py").run()
            assert not app.exception, page
            seconds = []
            for _ in range(CLICKS):
                started = time.perf_counter()
                app.run()
                seconds.append(time.perf_counter() - started)
            found[page] = statistics.median(seconds)
        state.close()
    return found


def main() -> None:
    """Print a table and the slowest page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--samples", type=int, nargs="+", default=[1_000, 20_000, 200_000])
    sizes = options.parse_args().samples
    found = {size: measure(size) for size in sizes}
    print(f"{'seconds a click':24s}" + "".join(f"{size:>10,}" for size in sizes))
    for page in PAGES:
        print(f"{page:24s}" + "".join(f"{found[size][page]:10.3f}" for size in sizes))
    largest = found[sizes[-1]]
    slowest = max(largest, key=lambda page: largest[page])
    print(f"slowest at {sizes[-1]:,} samples: {slowest}, {largest[slowest]:.3f} s (bar: 1 s)")


if __name__ == "__main__":
    main()
