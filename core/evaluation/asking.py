"""What a job asks of its models: every answer that is missing, unless the very same was asked before."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import duckdb

from core import content
from core.evaluation import answers, eval_sets, models, prompts, rendering, retrieving, runs
from core.evaluation.models import Model
from core.generation.base import Decoding, Message
from core.jobs import jobs
from core.settings import Settings


def inputs(
    conn: duckdb.DuckDBPyConnection, settings: Settings, job_id: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the worker needs: the spec, and one item per answer that is missing or, in a later round, had failed.

    What was answered before by the same model, prompt and decoding is copied and not asked again, unless the job says
    so (`fresh`). A run with an index looks its passages up here and keeps them as they are shown.
    """
    job = jobs.find(conn, job_id)
    assert job is not None, "a job is asked for its inputs when it is launched"
    used: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    decoding = Decoding()
    round_, there = job.spec.get("round", 0), answers.rounds(conn, job_id)
    for run in runs.of_job(conn, job_id):
        prompt, model = prompts.find(conn, run["prompt_id"]), models.find(conn, run["model_id"])
        eval_set = eval_sets.find(conn, run["eval_set_id"])
        if prompt is None or model is None or eval_set is None:
            raise LookupError("A run is saved after its prompt, its model and its set.")
        used[model.model_id] = models.for_worker(conn, model)
        decoding = Decoding(**json.loads(run["decoding"]))
        schema = prompts.answer_schema(prompt, eval_set) if decoding.structured else None
        schema_id = content.name("schema", schema) if schema else ""
        if schema:
            schemas[schema_id] = schema
        asked = asked_of(model, decoding, schema)
        samples = eval_sets.samples(conn, run["eval_set_id"], run["split"])
        passages = retrieving.keep(conn, settings, run, samples)
        for sample in samples:
            messages = rendering.render(prompt, sample, passages.get(sample.sample_id, ()))
            for repeat in range(run["repeats"]):
                failed_in = there.get(answers.answer_id(run["run_id"], sample.sample_id, repeat), -1)
                if failed_in is None or failed_in >= round_:
                    continue
                item = {"run_id": run["run_id"], "sample_id": sample.sample_id, "repeat": repeat, "round": round_}
                item |= {"model": model.model_id, "messages": messages, "schema": schema_id}
                items.append(item | {"content_key": content_key(asked, messages, repeat)})
    if not job.spec.get("fresh"):
        items = answers.reuse(conn, job_id, items)
    spending = {"cap": job.spec.get("cap"), "spent": answers.spent(conn, job_id)}
    spec = {"kind": "generate", "models": used, "decoding": asdict(decoding), "schemas": schemas, "spending": spending}
    return spec, items


def asked_of(model: Model, decoding: Decoding, schema: Mapping[str, Any] | None) -> str:
    """The part of a content key that all samples share. `schema` is the one that answers are held to, if any."""
    return content.digest([model.model_id, asdict(decoding), schema])


def content_key(asked: str, messages: Sequence[Message], repeat: int) -> str:
    """Two answers with the same key were asked the very same; repeats differ, since they are meant to."""
    return content.digest([asked, list(messages), repeat])
