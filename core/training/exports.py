"""A training set for other trainers: chat JSONL, and a dataset folder as LLaMA-Factory loads it."""

import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any

import duckdb

from core.training import training_sets
from core.training.training_sets import TrainingSet

TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}
"""How LLaMA-Factory finds its way in messages written as OpenAI writes them."""


def chat_jsonl(conn: duckdb.DuckDBPyConnection, training_set: TrainingSet) -> bytes:
    """One conversation a line, as OpenAI's fine-tuning takes them: `messages`, or `input`, `preferred_output` and
    `non_preferred_output` for pairs. A row that a teacher wrote says so, with its licence note."""
    rows = training_sets.rows(conn, training_set.training_set_id)
    return _lines(_chat(row) for row in rows)


def _chat(row: dict[str, Any]) -> dict[str, Any]:
    answer = _said(row["completion"])
    if "rejected" not in row:
        return {"messages": [*row["messages"], answer], **_teacher(row)}
    return {
        "input": {"messages": row["messages"]},
        "preferred_output": [answer],
        "non_preferred_output": [_said(row["rejected"])],
        **_teacher(row),
    }


def _teacher(row: dict[str, Any]) -> dict[str, str]:
    return {column: row[column] for column in ("teacher", "licence") if column in row}


def llama_factory(conn: duckdb.DuckDBPyConnection, training_set: TrainingSet) -> bytes:
    """A zip with the data and its `dataset_info.json`: unpacked, it is a `dataset_dir` as it is."""
    rows = training_sets.rows(conn, training_set.training_set_id)
    name, pairs = training_set.training_set_id, training_set.method == "dpo"
    info: dict[str, Any] = {"file_name": f"{name}.jsonl", "formatting": "sharegpt", "tags": TAGS}
    info["columns"] = {"messages": "messages"}
    if pairs:
        info |= {"ranking": True, "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"}}
        data = [
            {
                "messages": row["messages"],
                "chosen": _said(row["completion"]),
                "rejected": _said(row["rejected"]),
                **_teacher(row),
            }
            for row in rows
        ]
    else:
        data = [_chat(row) for row in rows]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/dataset_info.json", json.dumps({name: info}, indent=2))
        archive.writestr(f"{name}/{name}.jsonl", _lines(data))
    return packed.getvalue()


def _said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _lines(rows: Iterable[Any]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
