"""Names in braces that a prompt has and the samples do not."""

from collections.abc import Sequence

import duckdb
import streamlit as st

from core.evaluation import eval_sets, rendering
from core.evaluation.eval_sets import EvalSet
from pages._ui import session
from pages._ui.session import _


def warn(eval_set: EvalSet, system: str, template: str) -> None:
    """Say, before anybody saves them, which names stay as they are and which there would be."""
    further = _further(eval_set.eval_set_id, session.conn())
    if unknown := rendering.unknown(system, template, further):
        st.warning(
            _(
                "Nothing is put in for %(unknown)s: the samples of this set have no such field, so the model reads the "
                "braces as they stand. The names there are: %(known)s.",
                unknown=_braces(unknown),
                known=_braces([*rendering.KNOWN, "examples", *further]),
            )
        )


@st.cache_data(max_entries=20, show_spinner=False)
def _further(eval_set_id: str, _conn: duckdb.DuckDBPyConnection) -> list[str]:
    return eval_sets.field_names(_conn, eval_set_id)  # of a version, which never changes


def _braces(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
