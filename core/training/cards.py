"""Model cards: what a tuned model was made from, by whom, how, and where; and its files for other programs."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import models
from core.evaluation.models import Model
from core.jobs import folder as job_folder
from core.jobs import jobs
from core.jobs.jobs import Job
from core.locale.mark import N_
from core.settings import Settings
from core.store import audit, database
from core.training import training_sets, trials
from core.training.training_sets import TrainingSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything that is known of how a tuned model came to be."""

    model: Model
    base: Model
    trial: Mapping[str, Any]
    training_set: TrainingSet
    approvals: list[dict[str, Any]]
    """The approved samples that it learned from, in the order of the set."""

    @property
    def summary(self) -> Mapping[str, Any]:
        return dict(self.model.lineage.get("summary", {}))

    def fields(self) -> dict[str, Any]:
        """The card for machines; it holds no text of samples."""
        return {
            "model": {"id": self.model.model_id, "name": self.model.name, "files": dict(self.model.file_hashes)},
            "base": {"id": self.base.model_id, "name": self.base.name, "files": dict(self.base.file_hashes)},
            "trial": {
                "id": self.trial["trial_id"],
                "started_by": self.trial["created_by"],
                "started_at": f"{self.trial['created_at']:%Y-%m-%dT%H:%M:%SZ}",
                "goes_on_from": self.trial["start_model_id"],
            },
            "data": {
                "training_set": self.training_set.training_set_id,
                "rows": self.training_set.row_count,
                **{name: value for name, value in self.training_set.composition.items() if name not in _LISTS},
                "approvals": [row["approval_id"] for row in self.approvals],
            },
            "recipe": dict(self.trial["recipe"]),
            "training": dict(self.summary),
            "stopped_early_by_hand": bool(self.model.lineage.get("stopped_early")),
        }


_LISTS = ("left_out", "waived")


def find(conn: duckdb.DuckDBPyConnection, model_id: str) -> Card | None:
    """The card of a model that was tuned here, else None."""
    model = models.find(conn, model_id)
    trial = trials.find(conn, str(model.lineage.get("trial_id"))) if model and model.kind == "adapter" else None
    if model is None or trial is None:
        return None
    base = models.find(conn, trial["base_model_id"])
    training_set = training_sets.find(conn, trial["training_set_id"])
    if base is None or training_set is None:
        raise LookupError("A trial is saved after its base and its training set.")
    query = """
        select r.position, r.approval_id, p.key, p.input, r.completion, a.origin, a.decided_by, a.decided_at
        from training_rows as r join approvals as a using (approval_id) join samples as p on p.sample_id = r.sample_id
        where r.training_set_id = ? order by r.position
    """
    rows = database.rows(conn, query, [training_set.training_set_id])
    return Card(model=model, base=base, trial=trial, training_set=training_set, approvals=rows)


def merged_folder(settings: Settings, model_id: str) -> Path:
    """Where the model lies when it is merged."""
    return settings.data / "merged" / model_id


def merge(conn: duckdb.DuckDBPyConnection, settings: Settings, *, by: Person, card: Card) -> str:
    """Queue the merging of base and adapter into one model folder, with a check; returns the job's id.

    Raises Refusal when the files of one of them are not there any more.
    """
    roles.require(by, "model.manage")
    for model in (card.base, card.model):
        if not Path(model.path).is_dir():
            raise Refusal(N_("The files of “%(name)s” are not in %(folder)s any more."), name=model.name,
                          folder=model.path)  # fmt: skip
    prompts = [row["messages"] for row in training_sets.rows(conn, card.training_set.training_set_id)]
    job_id = uuid4().hex
    job = Job(
        job_id=job_id,
        kind="export",
        task_id=card.trial["task_id"],
        title=N_("Merge %(model)s into one model folder"),
        values={"model": card.model.name},
        spec={
            "kind": "export",
            "model_id": card.model.model_id,
            "base": card.base.path,
            "adapter": card.model.path,
            "into": str(merged_folder(settings, card.model.model_id)),
            "prompts": prompts[:8],
        },
        by=by.person_id,
    )
    with audit.change(conn, actor=by.person_id, act="model.merge_asked", subject=card.model.model_id):
        jobs.insert(conn, job)
    return job_id


def merging_of(conn: duckdb.DuckDBPyConnection, model_id: str) -> Job | None:
    """The newest merging of the model, if one was asked for."""
    query = "select job_id from jobs where kind = 'export' and spec ->> 'model_id' = ? order by number desc limit 1"
    row = database.row(conn, query, [model_id])
    return jobs.find(conn, row["job_id"]) if row else None


def merged(settings: Settings, job: Job) -> Mapping[str, Any] | None:
    """What a finished merging has made: `merged` folder, `files`, and how many answers were `checked` and `same`."""
    return job_folder.result(jobs.folder_of(settings, job.job_id)) if job.state == "done" else None


def vllm_command(card: Card) -> str:
    """Serves base and adapter together, the adapter under the model's id."""
    rank = max(8, 1 << (int(card.trial["recipe"]["rank"]) - 1).bit_length())  # vLLM takes powers of two
    named = f"{card.model.model_id}={card.model.path}"
    words = ["vllm", "serve", card.base.path, "--enable-lora", "--max-lora-rank", str(rank), "--lora-modules", named]
    return shlex.join(words)


def ollama_command(folder: Path, card: Card) -> str:
    """Run in the merged folder, beside its Modelfile."""
    return f"cd {shlex.quote(str(folder))} && ollama create {card.model.model_id} -f Modelfile"


def as_json(card: Card) -> bytes:
    """The card as a file."""
    return json.dumps(json.loads(content.canonical(card.fields())), indent=2, ensure_ascii=False).encode()
