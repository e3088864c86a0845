"""Seconds until a page has run, at 1,000, 20,000 and 200,000 samples.

    python benchmarks/pages.py [--samples 1000 20000 200000]

The script of each page, with the real database, through Streamlit's own test harness: what the server does for one
click, without the network and the browser's drawing. The set is asked by a ladder of four prompts and for answers to
rate, 20,000 of which wait in a queue; a few hundred are rated and approved. Each line is the median of a few clicks;
the first visit to a page is a line of its own, since what is read then may be kept for the next.
"""

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder, in which `pages` is this file
logging.disable(logging.WARNING)

from streamlit.testing.v1 import AppTest  # noqa: E402

from core import content  # noqa: E402
from core.access import people, sessions  # noqa: E402
from core.evaluation import eval_sets, examples, ladder_templates, models, prompts, runs, tasks  # noqa: E402
from core.evaluation.eval_sets import EvalSet  # noqa: E402
from core.intake.importing import Row  # noqa: E402
from core.review import queues  # noqa: E402
from pages._ui import session, state  # noqa: E402
from tests import chain  # noqa: E402

CLICKS = 5
IN_QUEUE, RATED = 20_000, 200

Prepare = Callable[[AppTest], object]


def view(key: str, value: str) -> Prepare:
    return lambda app: app.button_group(key=key).set_value(value).run()


PAGES = sorted(
    f"{found.parent.name}/{found.stem}" for found in ROOT.glob("pages/[a-z]*/[a-z]*.py")
)  # a page that is new is measured without being named here
VIEWS: dict[str, tuple[tuple[str, Prepare], ...]] = {
    "evaluation/eval_sets": (("versions", view("eval_sets.view.0", "versions")),),
    "evaluation/prompts": (("sample", lambda app: first_of(app, "prompts.view").set_value("sample").run()),),
    "evaluation/runs": (("matrix", view("runs.view", "matrix")), ("to judge", view("runs.view", "review"))),
}
"""What a page shows besides what it opens with, and how one gets there."""


def first_of(app: AppTest, key: str) -> Any:
    return next(one for one in app.button_group if one.key.startswith(key))


def rows(count: int) -> list[Row]:
    """Questions as unlike each other as can be, with one of twelve answers."""
    return [
        Row(key=f"k{n}", input=f"Question {n}: {content.digest(n)}", context="", reference=f"topic {n % 12}",
            kind="practice", pair="", group_id=f"g{n}", split=None, critical=False, tags=("en",), line=n + 2)
        for n in range(count)
    ]  # fmt: skip


@contextmanager
def world(samples: int) -> Iterator[tuple[AppTest, chain.World]]:
    """An app over a task with a set of so many samples, in two versions, a ladder and a model."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COUNTERSIGN_DATA"] = folder
        state.close()
        conn = state.conn()
        by = people.create_first(conn, name="Bench", password="four plain words here")
        token = sessions.start(conn, by)
        session._token = lambda: token
        task = tasks.create(conn, by=by, name={"en": "Bench"}, description={"en": ""})
        common: dict[str, Any] = {"by": by, "task_id": task.task_id, "name": "Bench", "scorer": "exact"}
        known = rows(samples)
        eval_sets.save(conn, rows=known[1:], **common)
        saved = eval_sets.save(conn, rows=known, **common)
        shown = examples.varied(conn, saved.eval_set_id, each=8, most=500)
        rungs = ladder_templates.ladder(shown, "exact", None)
        ladder = prompts.save_ladder(conn, by=by, task_id=task.task_id, eval_set_name="Bench", rungs=rungs)
        base = models.register_api(conn, by=by, name="m", base_url="http://127.0.0.1:9/v1", api_model="m")
        app = AppTest.from_file(str(ROOT / "pages/_ui/main.py"), default_timeout=120).run()
        yield (
            app,
            chain.World(
                conn=conn, settings=session.settings(), by=by, task=task, eval_set=saved, ladder=ladder, base=base
            ),
        )
        state.close()


def answer(made: chain.World, job_id: str) -> list[str]:
    """Every answer of the job's runs, three of four right, without a worker; returns the runs."""
    made.conn.execute(
        """
        insert into answers by name
        select r.run_id || p.sample_id as answer_id, r.run_id, p.sample_id, 0 as repeat,
            if(hash(r.run_id || p.sample_id) % 4 = 0, 'topic 99', p.reference) as text, 90 as prompt_tokens,
            3 as completion_tokens, 0.4 as latency_s, r.run_id || p.sample_id as content_key
        from runs as r join eval_set_samples as m using (eval_set_id)
        join samples as p on p.sample_id = m.sample_id and p.split = r.split where r.job_id = $job
        """,
        {"job": job_id},
    )
    made.conn.execute(
        """
        insert into scores by name
        select answer_id, 'exact' as scorer, 'correct' as metric, (text = reference)::double as value, '' as reason
        from answers join runs using (run_id) join samples using (sample_id) where job_id = $job
        """,
        {"job": job_id},
    )
    made.conn.execute("update jobs set state = 'done' where job_id = ?", [job_id])
    return [run["run_id"] for run in runs.of_job(made.conn, job_id)]


def fill(made: chain.World) -> None:
    """The ladder is climbed, answers wait in a queue, and some are rated and approved."""
    answer(made, runs.start_ladder(
        made.conn, by=made.by, eval_set=made.eval_set, ladder=made.ladder, model=made.base))  # fmt: skip
    rung, prompt = made.ladder.rungs[0]
    found = answer(made, runs.start_collecting(
        made.conn, by=made.by, eval_set=made.eval_set, rung=rung, prompt=prompt, model=made.base))  # fmt: skip
    queue_id = queues.create(made.conn, by=made.by, task_id=made.task.task_id, run_ids=found, limit=IN_QUEUE)
    chain.rate(made, queue_id, limit=RATED)
    chain.approve(made)


def timed(click: Callable[[], AppTest], clicks: int = CLICKS) -> float:
    """The median of some clicks, none of which may end in an error."""
    seconds = []
    for _ in range(clicks):
        started = time.perf_counter()
        app = click()
        seconds.append(time.perf_counter() - started)
        assert not app.exception, app.exception
    return statistics.median(seconds)


def drafts(app: AppTest, eval_set: EvalSet) -> dict[str, float]:
    """The grid of a draft: looking, searching, turning a page, editing a cell and moving a sample to another part."""
    app.switch_page("../evaluation/eval_sets.py").run()
    app.button_group(key="eval_sets.view.0").set_value("draft").run()
    app.button(key="draft.start").click().run()
    places, moved = iter(range(100)), {"dev": "train", "train": "dev"}

    def edit(place: int, **cells: str) -> AppTest:
        (grid,) = app.data_editor
        app.session_state[grid.key] = {"edited_rows": {place: cells}, "added_rows": [], "deleted_rows": []}
        return app.run()

    def move(place: int) -> AppTest:
        return edit(place, split=moved[app.data_editor[0].value["split"].iloc[place]])

    def turn() -> AppTest:
        (pages,) = app.pagination
        return pages.set_value(pages.value + 1).run()

    def search() -> AppTest:
        text = next(one for one in app.text_input if one.key.endswith(".grid.text"))
        return text.set_value(f"Question {next(places)}").run()

    name = "evaluation/eval_sets · draft"
    return {
        name: timed(app.run),
        f"{name}, edit": timed(lambda: edit(next(places), reference="topic 99")),
        f"{name}, move": timed(lambda: move(next(places))),
        f"{name}, page": timed(turn),
        f"{name}, search": timed(search),
    }


def imported(app: AppTest, samples: int) -> dict[str, float]:
    """The preview of a file that is not saved yet."""
    lines = (f"u{n},New question {n}: {content.digest(n)},topic {n % 12}" for n in range(samples))
    app.switch_page("../evaluation/eval_sets.py").run()
    first_of(app, "eval_sets.view").set_value("import").run()
    app.file_uploader(key="import.0.file").upload("new.csv", "\n".join(["key,input,answer", *lines]).encode()).run()
    if samples <= 20_000:
        app.run(timeout=600)  # looks for near-duplicates once
    return {"evaluation/eval_sets · import": timed(app.run)}


def measure(samples: int) -> dict[str, float]:
    """Seconds a click, by page."""
    with world(samples) as (app, made):
        found = drafts(app, made.eval_set)
        fill(made)
        for page in PAGES:
            app.switch_page(f"../{page}.py")
            found[f"{page}, first visit"] = timed(app.run, clicks=1)
            found[page] = timed(app.run)
            for name, turn in VIEWS.get(page, ()):
                turn(app)
                found[f"{page} · {name}"] = timed(app.run)
        return found | imported(app, samples)


def main() -> None:
    """Print a table and the slowest page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--samples", type=int, nargs="+", default=[1_000, 20_000, 200_000])
    sizes = options.parse_args().samples
    found = {size: measure(size) for size in sizes}
    print(f"{'seconds a click':40s}" + "".join(f"{size:>10,}" for size in sizes))
    for page in found[sizes[0]]:
        print(f"{page:40s}" + "".join(f"{found[size][page]:10.3f}" for size in sizes))
    largest = found[sizes[-1]]
    slowest = max(largest, key=lambda page: largest[page])
    print(f"slowest at {sizes[-1]:,} samples: {slowest}, {largest[slowest]:.3f} s (bar: 1 s)")


if __name__ == "__main__":
    main()
