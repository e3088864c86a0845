"""What the approved samples cover, tag by tag and error type by error type."""

import streamlit as st

from core.evaluation.tasks import Task
from core.review import coverage
from pages._ui import session
from pages._ui.session import _, plain


def show(task: Task) -> None:
    """Two tables side by side; a gap is a row with few approved."""
    types = {one["id"]: session.either(one) for one in task.error_types}
    tags, errors = coverage.by_tag(session.conn(), task.task_id), coverage.by_error_type(session.conn(), task.task_id)
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption(_("By tag"))
        rows = [
            {plain("Tag"): one["tag"], plain("Train samples"): one["samples"], plain("Approved"): one["approved"]}
            for one in tags
        ]
        _table(rows, _("The train samples have no tags."))
    with right:
        st.caption(_("By error type"))
        rows = [
            {
                plain("Error type"): types.get(one["type"], one["type"]),
                plain("Samples with it"): one["samples"],
                plain("Approved, corrected"): one["approved"],
            }
            for one in errors
        ]
        _table(rows, _("No error types have been named yet."))


def _table(rows: list[dict[str, object]], otherwise: str) -> None:
    if rows:
        st.dataframe(rows, hide_index=True)
    else:
        st.caption(otherwise)
