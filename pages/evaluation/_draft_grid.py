"""The grid of a draft, page by page. What is typed is written before the page goes on."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import streamlit as st

from core.errors import Refusal
from core.evaluation import draft_edits, draft_rows, splits
from core.evaluation.draft_rows import DraftRow
from core.evaluation.drafts import Draft
from core.intake.importing import Kind
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _words

PAGE = 50
KINDS = {"practice": N_("practice case"), "concept": N_("concept behind it")}


def show(draft: Draft) -> None:
    """Search, pages, the grid and the button for a new row."""
    conn, form = session.conn(), f"{draft.draft_id}.grid"
    text = st.text_input(
        _("Find in key or input"), key=f"{form}.text", icon=":material/search:", placeholder=plain("All samples")
    )
    if st.button(_("Add a sample"), icon=":material/add:", key=f"{form}.add"):
        with session.refusing():
            draft_edits.add(conn, by=session.person(), draft_id=draft.draft_id)
            parts.renew(form)
            st.rerun()
    generation = parts.fresh(form)
    first = parts.offset(draft_rows.count(conn, draft.draft_id, text), f"{generation}.page.{text}", PAGE)
    key = f"{generation}.{text}.{first}.{st.session_state.get(f'{form}.look', 0)}"
    if key not in st.session_state:  # the grid keeps its own edits on top of the rows that it was opened with
        st.session_state[f"{form}.rows"] = draft_rows.rows(conn, draft.draft_id, text, offset=first, limit=PAGE)
    shown: list[DraftRow] = st.session_state[f"{form}.rows"]
    st.data_editor(
        {part: [_cell(row, part) for row in shown] for part in draft_edits.PARTS},
        column_config=_columns(),
        column_order=draft_edits.PARTS,
        num_rows="delete",
        hide_index=True,
        row_height=_words.row_height(row.input for row in shown),
        key=key,
    )
    st.caption(
        _("A group moves to another part as a whole, and only while none of its samples was used. Samples that are "
          "locked for the proof stay closed.")
    )  # fmt: skip
    if (refused := st.session_state.pop(f"{form}.refused", None)) is not None:
        st.error(_(refused.message, **refused.values))
    _keep(draft, shown, st.session_state[key], form)


def _keep(draft: Draft, shown: Sequence[DraftRow], state: Mapping[str, Any], form: str) -> None:
    """Write what the grid has and the draft has not; look at the rows again when more changed than what was typed."""
    conn, person = session.conn(), session.person()
    now = draft_rows.some(conn, draft.draft_id, [row.row_key for row in shown])
    again = False
    try:
        for place, cells in state["edited_rows"].items():
            row = now.get(shown[int(place)].row_key)
            if row and any(_cell(row, part) != value for part, value in cells.items()):
                changed = draft_edits.edit(conn, by=person, draft_id=draft.draft_id, row_key=row.row_key, parts=cells)
                again = again or changed != {row.row_key} or bool({"split", "group_id", "key", "tags"} & cells.keys())
        gone = [shown[int(place)].row_key for place in state["deleted_rows"]]
        if gone:
            draft_edits.delete(conn, by=person, draft_id=draft.draft_id, row_keys=gone)
            again = True
    except Refusal as refusal:
        st.session_state[f"{form}.refused"] = refusal
        again = True
    if again:
        st.session_state[f"{form}.look"] = st.session_state.get(f"{form}.look", 0) + 1
        st.rerun()


def _cell(row: DraftRow, part: str) -> Any:
    value = getattr(row, part)
    return list(value) if part == "tags" else value


def _columns() -> dict[str, Any]:
    choose, text = st.column_config.SelectboxColumn, st.column_config.TextColumn
    return {
        "key": text(plain("Key"), pinned=True),
        "input": text(plain("Input"), width="large"),
        "context": text(plain("Context")),
        "reference": text(plain("Reference"), width="medium"),
        "kind": choose(plain("Kind"), options=get_args(Kind), required=True, format_func=lambda one: plain(KINDS[one])),
        "pair": text(plain("Pair"), help=plain("The same word for a practice case and the concept behind it.")),
        "group_id": text(plain("Group")),
        "split": choose(plain("Split"), options=splits.SPLITS, format_func=lambda one: plain(_words.SPLITS[one])),
        "critical": st.column_config.CheckboxColumn(plain("Critical")),
        "tags": st.column_config.ListColumn(plain("Tags")),
    }
