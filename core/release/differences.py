"""What exactly is not as it was signed: lines of a prompt, a rubric or a judge, files of a model, documents.

Texts and file hashes are kept with a sign-off when it is put up; the evidence itself is only hashes.
"""

import difflib
import json
from collections.abc import Mapping
from typing import Any

import duckdb

from core.evaluation import models, prompts, rendering
from core.release import aids
from core.store import database
from core.training import trials


def kept(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, dict[str, list[str]]]:
    """item of the evidence -> name -> lines: prompts, rubric, models, documents and judges as they are now."""
    trial = trials.find(conn, trial_id) or {}
    used = [prompts.find(conn, str(trial.get(which))) for which in ("baseline_prompt_id", "prompt_id")]
    query = "select rubric_id, question, guidelines, scale from rubrics where task_id = ? order by created_at"
    rubrics = database.rows(conn, query, [trial.get("task_id")])
    return {
        "prompts": {one.prompt_id: rendering.lines(one) for one in used if one},
        "rubric": {row["rubric_id"]: _texts([row["question"], row["guidelines"], row["scale"]]) for row in rubrics},
        "base": _files(conn, trial.get("base_model_id")),
        "adapter": _files(conn, trial.get("model_id")),
        "index": aids.documents(conn, trial_id),
        "judge": aids.judge_lines(conn, trial_id),
    }


def of(conn: duckdb.DuckDBPyConnection, trial_id: str, signed: Mapping[str, Any]) -> dict[str, list[str]]:
    """item -> the lines that are gone (-) and new (+) since `kept` was signed; items without a difference are left out.

    Empty for a sign-off from before these texts were kept.
    """
    now = kept(conn, trial_id)
    found = {}
    for item, before in signed.items():
        old = [line for name in sorted(before) for line in before[name]]
        new = [line for name in sorted(now[item]) for line in now[item][name]]
        if lines := [line for line in difflib.ndiff(old, new) if line[0] in "+-"]:
            found[item] = lines + (aids.texts(conn, before, now[item]) if item == "index" else [])
    return found


def _files(conn: duckdb.DuckDBPyConnection, model_id: Any) -> dict[str, list[str]]:
    model = models.find(conn, str(model_id))
    if model is None:
        return {}
    where = [model.base_url, model.api_model] if model.kind == "api" else []
    return {model.name: [*filter(None, where), *(f"{name}  {written}" for name, written in model.file_hashes.items())]}


def _texts(values: list[str]) -> list[str]:
    """The lines of texts that may be bilingual records."""
    lines: list[str] = []
    for value in values:
        try:
            texts = json.loads(value)
        except ValueError:
            texts = value
        for text in texts.values() if isinstance(texts, dict) else [texts]:
            lines.extend(str(text).splitlines())
    return lines
