"""The job that collects answers: from one model after the other, kept in shards, so that nothing is asked twice."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from core.generation.base import Answer, Decoding, Generator, Request
from core.jobs import folder as job_folder


def work(folder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Answer the rows of `items.jsonl` that no shard answers yet; the counts returned are of the whole job.

    `spec["decoding"]` has the fields of `Decoding`; `spec["models"]` says for each model id how to reach it:
    `{"kind": "local", "path", "adapter"}` or `{"kind": "api", "base_url", "model", "key_env", "concurrency"}`.
    """
    items = list(job_folder.read_lines(folder / "items.jsonl"))
    decoding = Decoding(**spec["decoding"])
    answered = {
        _key(row): row["failure"] is not None
        for shard in job_folder.shards(folder)
        for row in job_folder.read_lines(shard)
    }
    waiting: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        if _key(item) not in answered:
            waiting[item["model"]].append(item)

    def stopped() -> bool:
        return job_folder.asked_to_stop(folder)

    generator: Generator | None = None
    # Adapters come after their base, which is then loaded already.
    for model_id in sorted(waiting, key=lambda name: (spec["models"][name].get("path", ""), name)):
        if stopped():
            break
        job_folder.tell(folder, "phase", name="loading model", model=model_id)
        generator = _load(spec["models"][model_id], generator)
        job_folder.tell(folder, "phase", name="answering", model=model_id)
        asked = {str(position): item for position, item in enumerate(waiting[model_id])}
        requests = [
            Request(key=key, messages=tuple(item["messages"]), repeat=item["repeat"]) for key, item in asked.items()
        ]
        for answers in generator.generate(requests, decoding, stopped=stopped):
            rows = [_row(asked[answer.key], answer) for answer in answers]
            job_folder.add_shard(folder, rows)
            answered |= {_key(row): row["failure"] is not None for row in rows}
            job_folder.tell(folder, "progress", done=len(answered), total=len(items))
    return {
        "answers": len(answered),
        "failures": sum(answered.values()),
        **({"stopped": True} if len(answered) < len(items) else {}),
    }


def _load(model: dict[str, Any], loaded: Generator | None) -> Generator:
    """The model as `spec` describes it; a base that is loaded already is not loaded again for an adapter."""
    if model["kind"] == "api":
        from core.generation import remote

        return remote.load(**{key: model[key] for key in ("base_url", "model", "key_env", "concurrency")})
    from core.generation import local

    adapter = Path(model["adapter"]) if model["adapter"] else None
    if isinstance(loaded, local.LocalGenerator) and loaded.path == Path(model["path"]):
        loaded.use(adapter)
        return loaded
    return local.load(Path(model["path"]), adapter)


def _key(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["run_id"], row["sample_id"], row["repeat"]


def _row(item: dict[str, Any], answer: Answer) -> dict[str, Any]:
    return {
        "run_id": item["run_id"],
        "sample_id": item["sample_id"],
        "repeat": item["repeat"],
        "text": answer.text,
        "failure": answer.failure,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "latency_s": answer.latency_s,
    }
