"""Audit trail: what happened, the newest first, and whether the chain of entries is whole."""

import pandas as pd
import streamlit as st

from core.release import trail
from pages._ui import session, trail_file
from pages._ui.session import _, plain
from pages.release import _chain_check, _entry, _trail_table

A_PAGE = 50
ROWS_SEEN = 15

st.title(_("Audit trail"))
st.markdown(
    _(
        "Every act is written down when it happens. Each entry is sealed with the one before it, so that a later "
        "change shows."
    )
)
if trail.head(session.conn()) is None:
    st.info(_("Nothing has happened yet."))
    st.stop()
_chain_check.show()


@st.fragment
def show() -> None:
    """The entries asked for, from the newest backwards."""
    chosen = _trail_table.choose()
    starts = st.session_state.setdefault(f"audit.before.{chosen}", [])  # where each page that was turned begins
    found = trail.entries(session.conn(), chosen, before=starts[-1] if starts else None, limit=A_PAGE + 1)
    rows = found[:A_PAGE]
    if not rows:
        st.info(_("Nothing of this kind has happened."))
        return
    table = _trail_table.columns(rows)
    picked = st.dataframe(
        pd.DataFrame(table),
        hide_index=True,
        column_config=_trail_table.widths(),
        height=560 if len(rows) > ROWS_SEEN else "content",
        on_select="rerun",
        selection_mode="single-row",
        key=f"audit.table.{chosen}.{len(starts)}",
    )
    if at := picked["selection"]["rows"]:
        one = rows[at[0]]
        _entry.show(one, table[plain("Who")][at[0]], table[plain("On what")][at[0]])
    else:
        st.caption(_("Choose a row to read its entry in full, with ids, details and hashes."))
    with st.container(horizontal=True):
        st.button(
            _("Newer"), disabled=not starts, key="audit.newer", on_click=lambda: starts.pop(), icon=":material/west:"
        )
        st.button(
            _("Older"),
            disabled=len(found) <= A_PAGE,
            key="audit.older",
            on_click=lambda: starts.append(rows[-1]["seq"]),
            icon=":material/east:",
        )
        st.download_button(
            _("These as CSV"),
            lambda: _trail_table.as_csv(chosen),
            file_name="audit.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/table:",
            help=_("The newest %(count)s of them, as a spreadsheet opens them.", count=f"{_trail_table.MOST:,}"),
            key="audit.csv",
        )


show()
st.subheader(_("Check it, and take it along"))
_chain_check.offer()
st.link_button(_("Download all as JSONL"), trail_file.PATH, icon=":material/download:")
st.caption(
    _("The file can be checked on any machine with Python alone: `python verify.py audit.jsonl`; `verify.py` is in the "
      "folder `core` of Countersign.")
)  # fmt: skip
