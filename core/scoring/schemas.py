"""What references have in common: the scorer that fits them, and their JSON schema."""

from collections.abc import Sequence
from typing import Any

from core.errors import Refusal
from core.scoring import strict_json, texts

SHORT = 40
"""Columns that a label or a fact takes at most; a CJK character takes two."""
MOST_LABELS = 30


def suggest(references: Sequence[str]) -> str:
    """The scorer that fits a set with these references; long or absent ones are left to people, with "overlap"."""
    given = [text for text in references if text.strip()]
    if given and all(isinstance(strict_json.read(text)[0], dict) for text in given):
        return "json"
    if not given or max(texts.width(text) for text in given) > SHORT:
        return "overlap"
    return "exact" if _few(given) and not any("|" in text for text in given) else "contains"


def infer_schema(references: Sequence[str]) -> dict[str, Any]:
    """The JSON schema that these JSON objects share: fields, types, and the allowed values where they recur."""
    records = []
    for row, text in enumerate(references, 1):
        record = strict_json.read(text)[0]
        if not isinstance(record, dict):
            raise Refusal("Reference %(row)s is not a JSON object; a schema needs all of them to be.", row=row)
        records.append(record)
    names = list(dict.fromkeys(name for record in records for name in record))
    return {
        "type": "object",
        "properties": {name: _property([record[name] for record in records if name in record]) for name in names},
        "required": [name for name in names if all(name in record for record in records)],
        "additionalProperties": False,
    }


def fields(references: Sequence[str]) -> list[str]:
    """The field names of those references that are JSON objects, in the order they first come."""
    records = [strict_json.read(text)[0] for text in references]
    return list(dict.fromkeys(name for record in records if isinstance(record, dict) for name in record))


def _property(values: Sequence[Any]) -> dict[str, Any]:
    if all(isinstance(value, str) for value in values) and _few(values):
        return {"enum": sorted(set(values))}
    types = {_TYPES[type(value)] for value in values}
    if "number" in types:
        types.discard("integer")
    return {"type": types.pop() if len(types) == 1 else sorted(types)}


def _few(labels: Sequence[str]) -> bool:
    """Whether these are labels: a limited number of them, each used twice on average."""
    distinct = len(set(labels))
    return distinct <= MOST_LABELS and 2 * distinct <= len(labels)


_TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}
