"""Rows that ask the same in nearly the same words, in the file or in what is saved, and what is to become of them."""

from collections.abc import Sequence
from dataclasses import replace

import duckdb
import streamlit as st

from core.evaluation import duplicates, eval_sets
from core.evaluation.duplicates import Pair, Twin
from core.evaluation.tasks import Task
from core.intake.columns import Mapping
from core.intake.importing import Import, Row
from core.locale.mark import N_
from pages._ui import session
from pages._ui.session import _, plain
from pages.evaluation import _import_source, _words
from pages.evaluation._import_source import Source

AT_ONCE = 20_000
"""Rows and saved samples that are compared without asking: a few seconds."""
MOST_SHOWN = 200
CHOICES = {
    "group": N_("Keep all, each pair in the same part of the set"),
    "leave_out": N_("Leave out the later one of each pair"),
    "keep": N_("Keep all as they are"),
}

Found = tuple[list[Pair], list[Twin]]


@st.cache_resource(max_entries=1, scope="session", show_spinner=False)
def _find(
    key: str, mapping: Mapping, sets: Sequence[str], _rows: Sequence[Row], _conn: duckdb.DuckDBPyConnection, _task: Task
) -> Found:
    """Those among the rows, and those among the newest versions of the task's `sets`."""
    with st.empty():
        words = plain("Looking for near-duplicates…")
        pairs = duplicates.find([row.input for row in _rows], lambda share: st.progress(share / 2, text=words))
        known = duplicates.saved(_conn, _task.task_id)
        twins = duplicates.against(_rows, known, lambda share: st.progress((1 + share) / 2, text=words))
        st.write("")
    return pairs, twins


def choose(task: Task, source: Source, mapping: Mapping, found: Import) -> tuple[Import, str]:
    """The rows as they are to be saved, after the reader has seen which are nearly the same, and what was chosen."""
    conn = session.conn()
    sets = eval_sets.of_task(conn, task.task_id)
    saved = sum(sum(one.counts.values()) for one in sets)
    counts = {"rows": f"{len(found.rows):,}", "samples": f"{saved:,}", "sets": len(sets)}
    if len(found.rows) + saved > AT_ONCE:
        st.caption(
            _(
                "Not looked for yet, since there is much to compare: near-duplicates among these %(rows)s rows and the "
                "%(samples)s samples of the %(sets)s saved sets of this task.",
                **counts,
            )
        )
        asked = st.checkbox(_("Look for near-duplicates (about 20 seconds for each 100,000)"), key=f"{source.key}.near")
        if not asked:
            return found, "keep"
    ids = tuple(one.eval_set_id for one in sets)
    pairs, twins = _find(source.key, mapping, ids, found.rows, conn, task)
    st.caption(
        _(
            "Compared: %(rows)s rows with each other and with the %(samples)s samples of the %(sets)s saved sets of "
            "this task, each in its newest version.",
            **counts,
        )
        if sets
        else _("Compared: %(rows)s rows with each other. This task has no saved set yet.", **counts)
    )
    if not pairs and not twins:
        st.caption(_("No near-duplicates were found."))
        return found, "keep"
    if pairs:
        _show_pairs(found.rows, pairs)
    if twins:
        _show_twins(found.rows, twins)
    choice = st.radio(
        _("What to do with them"),
        list(CHOICES),
        index=2 if _import_source.about(source) else 0,  # what was exported here comes back as it was
        format_func=lambda one: plain(CHOICES[one]),
        key=f"{source.key}.near_choice",
    )
    made = {"group": duplicates.grouped, "leave_out": duplicates.left_out}.get(choice)
    return (replace(found, rows=tuple(made(found.rows, pairs, twins))) if made else found), choice


def _show_pairs(rows: Sequence[Row], pairs: Sequence[Pair]) -> None:
    st.warning(
        _(
            "%(count)s rows ask nearly the same as an earlier one. If one is learned from and the other tested on, the "
            "result looks better than it is.",
            count=f"{len(pairs):,}",
        )
    )
    shown = [(rows[pair.first], rows[pair.second], pair) for pair in pairs[:MOST_SHOWN]]
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
    _say_more(len(pairs))


def _show_twins(rows: Sequence[Row], twins: Sequence[Twin]) -> None:
    st.warning(
        _(
            "%(count)s rows ask nearly the same as a sample that is saved already. If they land in another part of the "
            "set, the result looks better than it is.",
            count=f"{len(twins):,}",
        )
    )
    shown = [(rows[twin.row], twin.saved, twin.likeness) for twin in twins[:MOST_SHOWN]]
    st.dataframe(
        [
            {
                plain("Row"): row.line,
                plain("Input"): row.input,
                plain("Is like"): f"{plain(saved.set_name)} · v{saved.version} · {saved.key}",
                plain("Its input"): saved.input if saved.split != "gate" else plain("(locked)"),
                plain("Its part"): plain(_words.SPLITS_SHORT[saved.split]),
                plain("Likeness, percent"): likeness,
            }
            for row, saved, likeness in shown
        ],
        hide_index=True,
        row_height=_words.row_height(row.input for row, _saved, _likeness in shown),
    )
    _say_more(len(twins))


def _say_more(count: int) -> None:
    if count > MOST_SHOWN:
        st.caption(_("The first %(shown)s of %(all)s pairs.", shown=MOST_SHOWN, all=count))
