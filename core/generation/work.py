"""The job that collects answers: from one model after the other, kept at once, so that nothing is asked twice."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from core.generation.base import Answer, Decoding, Generator, Request
from core.generation.limits import Price, Rates, Spending
from core.jobs import folder as job_folder
from core.jobs.journal import Journal
from core.locale.mark import N_

CAPPED = N_("The spending cap of %(cap)s is reached: %(spent)s is spent. Raise the cap to go on; what is in is kept.")


def work(folder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Answer the rows of `items.jsonl` that no shard answers yet; the counts returned are of these rows.

    `spec["decoding"]` has the fields of `Decoding`; `spec["models"]` says for each model id how to reach it:
    `{"kind": "local", "path", "adapter"}` or `{"kind": "api", "base_url", "model", "key_env", "concurrency"}` with
    `deadline_s`, `rates`, `price` and `structured` where they are known. `spec["schemas"]` are the JSON schemas that
    items name, `spec["spending"]` the cap and what was spent before. Items of a later `round` ask again for what has
    failed.
    """
    items = list(job_folder.read_lines(folder / "items.jsonl"))
    decoding, schemas = Decoding(**spec["decoding"]), spec.get("schemas", {})
    spending = Spending(**spec.get("spending", {"cap": None}))
    learned: dict[str, dict[str, str]] = {}
    with Journal(folder) as journal:
        there = {
            _key(row): row["failure"] is not None
            for shard in job_folder.shards(folder)
            for row in job_folder.read_lines(shard)
        }
        wanted = {_key(item) for item in items}
        answered = {key: failed for key, failed in there.items() if key in wanted}
        waiting: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item in items:
            if _key(item) not in answered:
                waiting[item["model"]].append(item)

        def stopped() -> bool:
            return job_folder.asked_to_stop(folder)

        generator: Generator | None = None
        # Adapters come after their base, which is then loaded already.
        for model_id in sorted(waiting, key=lambda name: (spec["models"][name].get("path", ""), name)):
            if stopped() or spending.reached:
                break
            job_folder.tell(folder, "phase", name="loading model", model=model_id)
            generator = load(spec["models"][model_id], generator, spending)
            job_folder.tell(folder, "phase", name="answering", model=model_id)
            asked = {str(position): item for position, item in enumerate(waiting[model_id])}
            requests = [_request(key, item, schemas) for key, item in asked.items()]
            for answers in generator.generate(requests, decoding, stopped=stopped):
                rows = [_row(asked[answer.key], answer) for answer in answers]
                answered |= {_key(row): row["failure"] is not None for row in rows}
                if journal.add(rows):
                    job_folder.tell(folder, "progress", done=len(answered), total=len(items))
            learned[model_id] = dict(getattr(generator, "learned", {}))
    job_folder.tell(folder, "progress", done=len(answered), total=len(items))
    made: dict[str, Any] = {"answers": len(answered), "failures": sum(answered.values())}
    if any(learned.values()):
        made["learned"] = learned
    if len(answered) < len(items):
        made["stopped"] = True
        if spending.reached:
            made |= {"message": CAPPED, "values": {"cap": f"{spending.cap:g}", "spent": f"{spending.spent:.4g}"}}
    return made


def load(model: dict[str, Any], loaded: Generator | None = None, spending: Spending | None = None) -> Generator:
    """The model as `spec` describes it; a base that is loaded already is not loaded again for an adapter."""
    if model["kind"] == "api":
        from core.generation import remote

        return remote.load(
            **{key: model[key] for key in ("base_url", "model", "key_env", "concurrency")},
            **{key: model[key] for key in ("structured", "deadline_s") if model.get(key)},
            rates=Rates(**model.get("rates", {})),
            price=Price(**model.get("price", {})),
            spending=spending or Spending(cap=None),
        )
    from core.generation import local

    adapter = Path(model["adapter"]) if model["adapter"] else None
    if isinstance(loaded, local.LocalGenerator) and loaded.path == Path(model["path"]):
        loaded.use(adapter)
        return loaded
    return local.load(Path(model["path"]), adapter)


def _request(key: str, item: dict[str, Any], schemas: dict[str, Any]) -> Request:
    return Request(
        key=key,
        messages=tuple(item["messages"]),
        repeat=item["repeat"],
        schema=schemas.get(item.get("schema", "")),
    )


def _key(row: dict[str, Any]) -> tuple[str, str, int, int]:
    return row["run_id"], row["sample_id"], row["repeat"], row.get("round", 0)


def _row(item: dict[str, Any], answer: Answer) -> dict[str, Any]:
    failure = answer.failure
    return {
        "run_id": item["run_id"],
        "sample_id": item["sample_id"],
        "repeat": item["repeat"],
        "round": item.get("round", 0),
        "content_key": item.get("content_key"),
        "text": answer.text,
        "cut": answer.cut,
        "failure": None if failure is None else str(failure),
        "failure_code": None if failure is None else failure.code,
        "failure_values": None if failure is None else dict(failure.values),
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "latency_s": answer.latency_s,
    }
