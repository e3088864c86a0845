"""The fields of an answer that is JSON, as a table; what differs from the reference is marked once that is shown."""

import json
from typing import Any

import pandas as pd
import streamlit as st

from core.review.ratings import Item
from core.scoring import scorers, strict_json
from pages._ui.session import plain


def show(item: Item, *, with_reference: bool) -> bool:
    """The table, unless the answer holds no JSON object; whether it has the reference's fields, too."""
    answer, _problem = strict_json.first_object(item.text)
    if answer is None:
        return False
    wanted = strict_json.first_object(item.reference)[0] or {} if with_reference else {}
    names = list(dict.fromkeys([*wanted, *answer]))
    table = pd.DataFrame({plain("Field"): names, plain("Answer"): [_text(answer, name) for name in names]})
    if wanted:
        same = {score.metric: score.value == 1 for score in scorers.score("json", item.text, item.reference)}
        table[plain("Field")] = [f"{'✓' if same.get(f'field:{name}') else '✗'} {name}" for name in names]
        table[plain("Reference")] = [_text(wanted, name) for name in names]
    st.dataframe(table, hide_index=True, row_height=34)
    return bool(wanted)


def _text(fields: dict[str, Any], name: str) -> str:
    if name not in fields:
        return "–"
    value = fields[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
