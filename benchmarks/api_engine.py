"""Calls a second to an endpoint: ours, everything stored and scored, beside the bare openai client in the same run.

`python benchmarks/api_engine.py [--calls N] [--at-once N] [--latency S]`. The server is a process of its own on this
machine and answers after the latency; the ideal is at-once / latency. Ours is timed from the first call that arrives
at the server to the last answer scored in the database, and once more as a whole with the start of its worker.
"""

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import httpx2  # noqa: E402
import openai  # noqa: E402

from core.access import roles  # noqa: E402
from core.access.people import Person  # noqa: E402
from core.evaluation import eval_sets, matrices, models, prompts, tasks, terms  # noqa: E402
from core.evaluation.matrices import Matrix  # noqa: E402
from core.evaluation.prompts import Prompt  # noqa: E402
from core.intake.importing import Row  # noqa: E402
from core.jobs import jobs, supervisor  # noqa: E402
from core.jobs.launchers import LocalLauncher  # noqa: E402
from core.jobs.watch import Watch  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.store import database  # noqa: E402
from tests import openai_server  # noqa: E402

SOMEBODY = Person(person_id="bench", name="bench", roles=frozenset(roles.ROLES))


def server(latency_s: float, pipe: Connection) -> None:
    """Serve until told to end; tells its address, and when asked the time of the first call since the last question."""
    with openai_server.serve(delay_s=latency_s) as running:
        pipe.send(running.base_url)
        while pipe.recv() != "end":
            pipe.send((running.arrived[0] if running.arrived else None, len(running.arrived)))
            running.arrived.clear()
            running.seen.clear()
            running.headers.clear()


async def bare(base_url: str, calls: int, at_once: int) -> float:
    """Seconds that the openai client takes for the calls, nothing stored."""
    limits = httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with openai.AsyncOpenAI(
        base_url=base_url, api_key="none", http_client=openai.DefaultAsyncHttpxClient(limits=limits)
    ) as client:
        waiting = iter(range(calls))

        async def caller() -> None:
            for number in waiting:
                content = f"question {number}"
                await client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": content}])

        began = time.monotonic()
        await asyncio.gather(*(caller() for _ in range(at_once)))
        return time.monotonic() - began


def ours(base_url: str, calls: int, at_once: int, pipe: Connection) -> tuple[float, float]:
    """Seconds from the first call to the last answer scored, and from the asking for the run."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder))
        connection = database.connect(settings)
        conn = connection.cursor()
        task = tasks.create(conn, by=SOMEBODY, name={"en": "Bench"}, description={"en": ""})
        rows = [
            Row(key=f"k{n}", input=f"question {n}", context="", reference=f"echo: question {n}", kind="practice",
                pair="", group_id=f"g{n}", split="dev", critical=False, tags=(), line=n)
            for n in range(calls)
        ]  # fmt: skip
        eval_set = eval_sets.save(conn, by=SOMEBODY, task_id=task.task_id, name="Bench", rows=rows, scorer="exact")
        model = models.register_api(conn, by=SOMEBODY, name="tiny", base_url=base_url, api_model="tiny")
        terms.agree(conn, by=SOMEBODY, model_id=model.model_id, terms=terms.Terms(concurrency=at_once))
        prompt = Prompt(name="A", system="", template="{input}")
        matrix = Matrix(eval_set=eval_set, split="dev", prompts=[("A", prompt)], models=[model])
        rungs = [("A", prompt)]
        prompts.save_ladder(conn, by=SOMEBODY, task_id=task.task_id, eval_set_name="Bench", rungs=rungs)
        pipe.send("forget")
        pipe.recv()
        asked = time.time()
        job_id = matrices.start(conn, by=SOMEBODY, matrix=matrix)
        launcher, watch, ended = LocalLauncher(), Watch(), 0.0
        query = "select count(*) from scores where metric = 'correct' and value = 1"
        while folders := supervisor.step(settings, conn, launcher):  # as the app and the commands follow a job
            if not ended and (conn.execute(query).fetchone() or (0,))[0] == calls:
                ended = time.time()
            watch.follow(folders)
            watch.wait(1.0)
            watch.look()
        assert jobs.find(conn, job_id).state == "done", "see the job's log"
        assert ended, "not every answer is right"
        connection.close()
    pipe.send("first")
    first, arrived = pipe.recv()
    assert arrived == calls, f"{arrived} calls for {calls} answers"
    return ended - first, ended - asked


def main() -> None:
    """Print each rate as a share of the ideal, and ours beside the bare client's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2)
    chosen = parser.parse_args()
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=server, args=(chosen.latency, there), daemon=True)
    process.start()
    base_url = here.recv()
    ideal = chosen.at_once / chosen.latency
    bare_s = asyncio.run(bare(base_url, chosen.calls, chosen.at_once))
    engine_s, whole_s = ours(base_url, chosen.calls, chosen.at_once, here)
    here.send("end")
    for name, seconds in (
        ("bare openai client", bare_s),
        ("ours, stored, scored", engine_s),
        ("ours as a whole", whole_s),
    ):
        rate = chosen.calls / seconds
        print(f"{name:22s} {rate:6.1f} calls/s   {rate / ideal:5.1%} of ideal   {bare_s / seconds:5.1%} of bare")


if __name__ == "__main__":
    main()
