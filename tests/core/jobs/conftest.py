"""A run of answers as a job."""

from core.evaluation import eval_sets, models, prompts, runs, tasks
from core.evaluation.prompts import Prompt
from core.intake.importing import Row

SAMPLES = 120


def rows(count):
    return [
        Row(key=f"k{n}", input=f"question {n}", context="", reference=f"echo: question {n}", kind="practice", pair="",
            group_id=f"g{n}", split="dev", critical=False, tags=(), line=n)
        for n in range(count)
    ]  # fmt: skip


def queue_run(conn, mina, base_url, count=SAMPLES):
    """A ladder of one rung over `count` samples on the model at that address; returns the job's id."""
    task = tasks.create(conn, by=mina, name={"en": "Echo"}, description={"en": ""})
    eval_set = eval_sets.save(conn, by=mina, task_id=task.task_id, name="Echo", rows=rows(count), scorer="exact")
    model = models.register_api(conn, by=mina, name="echo", base_url=base_url, api_model="tiny")
    rungs = [("A", Prompt(name="A", system="", template="{input}"))]
    ladder = prompts.save_ladder(conn, by=mina, task_id=task.task_id, eval_set_name="Echo", rungs=rungs)
    return runs.start_ladder(conn, by=mina, eval_set=eval_set, ladder=ladder, model=model)


def answered(conn):
    return conn.execute("select count(*), count(distinct sample_id) from answers").fetchone()
