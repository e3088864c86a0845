"""Rows that ask the same in nearly the same words, and what is to become of them."""

from dataclasses import replace

import streamlit as st

from core.evaluation import duplicates
from core.evaluation.duplicates import Pair
from core.evaluation.columns import Mapping
from core.evaluation.importing import Import, Row
from core.locale.mark import N_
from pages._ui.session import _, plain
from pages.evaluation import _words
from pages.evaluation._import_source import Source

AT_ONCE = 20_000
"""Rows that are compared without asking; more take a minute."""
MOST_SHOWN = 200
CHOICES = {
    "group": N_("Keep all, each pair in the same part of the set"),
    "leave_out": N_("Leave out the later one of each pair"),
    "keep": N_("Keep all as they are"),
}


@st.cache_resource(max_entries=1, scope="session", show_spinner=False)
def _find(key: str, mapping: Mapping, _rows: tuple[Row, ...]) -> list[Pair]:
    with st.empty():
        pairs = duplicates.find(
            [row.input for row in _rows],
            lambda share: st.progress(share, text=plain("Looking for near-duplicates…")),
        )
        st.write("")
    return pairs


def choose(source: Source, mapping: Mapping, found: Import) -> tuple[Import, str]:
    """The rows as they are to be saved, after the reader has seen which are nearly the same, and what was chosen."""
    if len(found.rows) > AT_ONCE and not st.checkbox(
        _("Look for near-duplicates (takes about a minute for each 100,000 rows)"), key=f"{source.key}.near"
    ):
        return found, "keep"
    pairs = _find(source.key, mapping, found.rows)
    if not pairs:
        st.caption(_("No near-duplicates among the rows."))
        return found, "keep"
    st.warning(
        _(
            "%(count)s rows ask nearly the same as an earlier one. If one is learned from and the other tested on, the "
            "result looks better than it is.",
            count=f"{len(pairs):,}",
        )
    )
    shown = [(found.rows[pair.first], found.rows[pair.second], pair) for pair in pairs[:MOST_SHOWN]]
    st.dataframe(
        [
            {
                plain("Row"): second.line,
                plain("Input"): second.input,
                plain("Is like row"): first.line,
                plain("Its input"): first.input,
                plain("Likeness, percent"): pair.likeness,
                plain("Same reference"): first.reference == second.reference,
            }
            for first, second, pair in shown
        ],
        hide_index=True,
        row_height=_words.row_height(second.input for _first, second, _pair in shown),
    )
    if len(pairs) > MOST_SHOWN:
        st.caption(_("The first %(shown)s of %(all)s pairs.", shown=MOST_SHOWN, all=len(pairs)))
    choice = st.radio(
        _("What to do with them"),
        list(CHOICES),
        format_func=lambda one: plain(CHOICES[one]),
        key=f"{source.key}.near_choice",
    )
    made = {"group": duplicates.grouped, "leave_out": duplicates.left_out}.get(choice)
    return (replace(found, rows=tuple(made(found.rows, pairs))) if made else found), choice
