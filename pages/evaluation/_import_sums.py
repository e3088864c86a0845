"""What follows from all rows of a file that is looked at. A large file takes a second for each, and every click asks.

All are kept for a session by what they follow from; arguments with an underscore are not part of that.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import duckdb
import streamlit as st

from core.evaluation import splits
from core.intake.columns import Mapping
from core.intake.importing import Row, Split
from core.scoring import scorers

Content = tuple[str, Mapping, str]
"""The key of the source, the mapping of its columns, and what becomes of near-duplicates: the same rows."""


@st.cache_resource(max_entries=1, scope="session", show_spinner=False)
def scorer(content: Content, _rows: Sequence[Row]) -> str:
    """The scorer that fits the rows' references."""
    return scorers.suggest([row.reference for row in _rows])


@st.cache_resource(max_entries=1, scope="session", show_spinner=False)
def schema(content: Content, _rows: Sequence[Row]) -> dict[str, Any]:
    """The JSON schema that the rows' references share. Raises Refusal when one is no JSON object."""
    return scorers.infer_schema([row.reference for row in _rows])


@st.cache_resource(max_entries=1, scope="session", show_spinner=False)
def split_counts(
    content: Content,
    shares: tuple[tuple[Split, float], ...],
    task_id: str,
    saved: int,
    _conn: duckdb.DuckDBPyConnection,
    _rows: Sequence[Row],
) -> Counter[Split]:
    """How many rows each split would get, once so many versions were `saved`. Raises Refusal when they do not fit."""
    groups = splits.assign(_conn, task_id, _rows, dict(shares))
    return Counter(groups[row.group_id] for row in _rows)
