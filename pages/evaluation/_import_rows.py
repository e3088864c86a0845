"""What was read from a file: its first rows, those that cannot be used and why, and repetitions."""

import streamlit as st

from core.intake import problem_files
from core.intake.importing import Import
from core.intake.tables import RowProblem, Table
from core.locale import catalogue
from core.locale.mark import N_
from pages._ui import session
from pages._ui.session import _, plain
from pages.evaluation import _words

MOST_SHOWN = 500
SHAPES = {
    "messages": N_("Chat conversations were recognised"),
    "sharegpt": N_("ShareGPT conversations were recognised"),
    "alpaca": N_("Alpaca instructions were recognised"),
}
KINDS = {
    "unreadable": N_("Row cannot be read"),
    "too_long": N_("Too long"),
    "not_text": N_("Not text"),
    "formula": N_("Formula"),
    "empty": N_("Empty"),
    "unknown_word": N_("Unknown word"),
    "contradiction": N_("Contradiction"),
    "clash": N_("Taken already"),
}


def show(table: Table, found: Import, name: str, key: str) -> None:
    """Counts, the first rows, problems with a file of them, and repetitions."""
    st.markdown(
        _(
            "%(good)s rows in order · %(bad)s with a problem · %(twice)s repetitions left out · read as %(encoding)s",
            good=f"{len(found.rows):,}",
            bad=f"{len({problem.row for problem in found.problems}):,}",
            twice=f"{len(found.duplicates):,}",
            encoding=table.encoding,
        )
    )
    if table.shape:
        st.caption(
            _(SHAPES[table.shape])
            + _(": the last question is the input, the answer to it the reference, everything before the context.")
        )
    if table.unread:
        st.caption(_("Left out, since they hold no text: %(columns)s", columns=", ".join(table.unread)))
    st.dataframe(
        [
            {plain("Row"): row.line, plain("Input"): row.input, plain("Reference"): row.reference}
            | ({plain("Context"): row.context} if row.context else {})
            | ({plain("Split"): row.split} if row.split else {})
            for row in found.rows[:10]
        ],
        hide_index=True,
        row_height=_words.row_height(row.input for row in found.rows[:10]),
    )
    if found.problems:
        _show_problems(table, found, name, key)
    if found.duplicates:
        with st.expander(_("Repetitions that are left out")):
            st.dataframe(
                [{plain("Row"): row, plain("Repeats row"): first} for first, row in found.duplicates[:MOST_SHOWN]],
                hide_index=True,
            )


def _show_problems(table: Table, found: Import, name: str, key: str) -> None:
    st.warning(_("These rows cannot be used as they are. Correct them in the file and choose it again:"))
    st.dataframe(
        [
            {
                plain("Row"): problem.row,
                plain("Kind of problem"): plain(KINDS[problem.kind]),
                plain("Column"): problem.column or "",
                plain("Problem"): _wording(problem),
            }
            for problem in found.problems[:MOST_SHOWN]
        ],
        hide_index=True,
        row_height=_words.row_height(problem.message for problem in found.problems[:MOST_SHOWN]),
    )
    if len(found.problems) > MOST_SHOWN:
        st.caption(_("The first %(shown)s of %(all)s problems.", shown=MOST_SHOWN, all=len(found.problems)))
    language = session.language()  # the file is written on a thread of its own, which has no session
    st.download_button(
        _("Download the rows with a problem (CSV)"),
        data=lambda: problem_files.write(
            table, found.problems, lambda one: catalogue.translate(language, one.message, one.values)
        ),
        file_name=f"{name}.problems.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key=f"{key}.problems",
    )


def _wording(problem: RowProblem) -> str:
    return plain(problem.message, **problem.values)
