"""The fields of answers that are JSON, as a table: what differs from the reference, once shown, or from another one."""

import json
from typing import Any

import pandas as pd
import streamlit as st

from core.review.ratings import Item
from core.scoring import scorers, strict_json
from pages._ui.session import plain


def rows(item: Item, *, with_reference: bool) -> list[dict[str, Any]]:
    """One row a field with `name`, `answer`, `reference` and whether they are the `same`; none without JSON.

    Without the reference, or where it is no JSON, `reference` and `same` are None.
    """
    answer, _problem = strict_json.first_object(item.text)
    if answer is None:
        return []
    wanted = strict_json.first_object(item.reference)[0] or {} if with_reference else {}
    same = {}
    if wanted:
        same = {score.metric: score.value == 1 for score in scorers.score("json", item.text, item.reference)}
    return [
        {
            "name": name,
            "answer": _text(answer, name),
            "reference": _text(wanted, name) if wanted else None,
            "same": same.get(f"field:{name}", False) if wanted else None,
        }
        for name in dict.fromkeys([*wanted, *answer])
    ]


def show(item: Item, *, with_reference: bool) -> bool:
    """The table, unless the answer holds no JSON object; whether it has the reference's fields, too."""
    found = rows(item, with_reference=with_reference)
    if not found:
        return False
    table = pd.DataFrame({plain("Field"): [row["name"] for row in found]})
    table[plain("Answer")] = [row["answer"] for row in found]
    compared = found[0]["same"] is not None
    if compared:
        table[plain("Field")] = [f"{'✓' if row['same'] else '✗'} {row['name']}" for row in found]
        table[plain("Reference")] = [row["reference"] for row in found]
    st.dataframe(table, hide_index=True, row_height=34)
    return compared


def beside(left: str, right: str) -> None:
    """The fields of two answers in one table, those that differ marked; nothing unless both hold a JSON object."""
    a, b = (strict_json.first_object(text)[0] for text in (left, right))
    if a is None or b is None:
        return
    names = list(dict.fromkeys([*a, *b]))
    values = [[json.dumps(fields[name]) if name in fields else None for fields in (a, b)] for name in names]
    marked = [name if one == other else f"≠ {name}" for name, (one, other) in zip(names, values, strict=True)]
    table = pd.DataFrame({plain("Field"): marked})
    table["A"], table["B"] = ([_text(fields, name) for name in names] for fields in (a, b))
    st.dataframe(table, hide_index=True, row_height=34)


def _text(fields: dict[str, Any], name: str) -> str:
    if name not in fields:
        return "–"
    value = fields[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
