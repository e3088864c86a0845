"""What looking up adds on the demo task: the desk's questions with and without passages of its knowledge base.

`python benchmarks/retrieval_gain.py [--model FOLDER]`; without one it is the starter model in the data folder, fetched
if it is not there. A matrix as the page Runs starts it, in a data folder of its own, scored by the set's scorer and
read as Diagnose, Retrieval reads it: greedy, each question once, one to three passages. The facts that are asked for
stand in the documents and nowhere else; what the questions on style want stands in none.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import _model

from core.access import roles
from core.access.people import Person
from core.diagnosis.intervals import Paired, Rate
from core.diagnosis.verdicts import points
from core.evaluation import demo_task, eval_sets, lookups, matrices, models, prompts
from core.evaluation.matrices import Matrix
from core.evaluation.retrieving import Retrieval
from core.jobs import supervisor
from core.knowledge import indexes
from core.settings import Settings
from core.store import database

MOST = 3
"""Passages shown with a question at most."""
TAGS = ("fact", "style")
BY = Person(person_id="benchmark", name="benchmark", roles=frozenset(roles.ROLES))


def main() -> None:
    model = _model.folder(__doc__)
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data=Path(data))
        conn = database.connect(settings)
        task = demo_task.create(conn, by=BY)
        base = models.register_local(conn, by=BY, folder=model)
        desk = next(one for one in eval_sets.of_task(conn, task.task_id) if one.name == demo_task.DESK)
        ladder, index = prompts.ladder(conn, task.task_id, desk.name), indexes.newest(conn, task.task_id)
        assert ladder is not None
        assert index is not None
        for k in range(1, MOST + 1):
            looked_up = Retrieval(index_id=index.index_id, k=k)
            asked = Matrix(
                eval_set=desk, split="dev", prompts=ladder.rungs, models=[base], retrieval=looked_up, both=True
            )
            matrices.start(conn, by=BY, matrix=asked)
            supervisor.drain(settings, conn)
            measured, *_ = lookups.grids(conn, task)
            cells = measured.cells
            print(f"k = {k}: {cells['base'].prompt_tokens:.0f} prompt tokens without, "
                  f"{cells['base_rag'].prompt_tokens:.0f} with passages")  # fmt: skip
            for tag in TAGS:
                found = lookups.narrowed(conn, task, measured, tag).grid
                assert found.retrieval is not None
                print(f"  {tag:5}  {_share(found.rates['base'])} without, {_share(found.rates['base_rag'])} with: "
                      f"{_gain(found.retrieval)}", flush=True)  # fmt: skip
            report = lookups.report(conn, task, cells["base_rag"].run)
            lost = {cell: len(names) for cell, names in report.lost.cells.items()}
            print(f"  sources found {_share(report.search.hits)}; answers and passages {lost}", flush=True)
        conn.close()


def _share(rate: Rate) -> str:
    return f"{rate.value:.0%} ({rate.low:.0%} to {rate.high:.0%})"


def _gain(paired: Paired) -> str:
    ends = f"{points(paired.low)} to {points(paired.high)}"
    return f"{points(paired.mean or 0.0)} points, 95% interval {ends}, n = {paired.n} in {paired.clusters} groups"


if __name__ == "__main__":
    main()
