"""The 2x2 of concept and practice, its rates, and the pairs in each cell."""

import pandas as pd
import streamlit as st

from core.diagnosis.intervals import Rate
from core.diagnosis.probe import Cell, Probe
from core.evaluation import pairs
from core.locale.mark import N_
from pages._ui import charts, parts, session
from pages._ui.session import _, plain

CELLS: dict[Cell, str] = {
    "both": N_("knows and applies"),
    "concept_only": N_("knows, cannot apply"),
    "practice_only": N_("right without the rule"),
    "neither": N_("does not know"),
}
DECISIVE: dict[str, tuple[Cell, ...]] = {
    "knowledge_missing": ("neither",),
    "cannot_apply": ("concept_only",),
    "leak_suspected": ("practice_only",),
    "knows_and_applies": ("both",),
    "not_enough": ("concept_only", "neither"),
}
"""The cell to show first: the one that the verdict is about."""
KINDS = {"concept": N_("Concept: the rule"), "practice": N_("Practice: the case")}


def show(run_id: str, judged: Probe) -> None:
    """Counts first, then the shares with their intervals, then the pairs one by one."""
    st.subheader(_("Knowing and applying"))
    count = {cell: len(names) for cell, names in judged.cells.items()}
    st.dataframe(
        pd.DataFrame(
            {
                plain("Pairs"): [plain("Rule stated right"), plain("Rule stated wrong")],
                plain("Case solved right"): [
                    f"{count['both']} · {plain(CELLS['both'])}",
                    f"{count['practice_only']} · {plain(CELLS['practice_only'])}",
                ],
                plain("Case solved wrong"): [
                    f"{count['concept_only']} · {plain(CELLS['concept_only'])}",
                    f"{count['neither']} · {plain(CELLS['neither'])}",
                ],
            }
        ),
        hide_index=True,
    )
    rows = [
        (plain("Rule stated right"), judged.concept),
        (plain("Case solved right"), judged.practice),
        (plain("Rule known, case wrong"), judged.lost),
    ]
    table = pd.DataFrame([_row(label, rate) for label, rate in rows if rate.value is not None])
    points = charts.show(charts.forest(table, target=None, title=plain("Share")), table, key="probe.rates")
    st.caption(_("Click a point to see the pairs behind it."))
    st.subheader(_("The pairs"))
    filled = [cell for cell in CELLS if judged.cells[cell]]
    behind: tuple[Cell, ...] = ("neither", "concept_only", "concept_only")  # those that are wrong
    picked = [one["label"] for one in points]
    clicked = (cell for (label, rate), cell in zip(rows, behind, strict=True) if label in picked)
    charts.steer(f"probe.cell.{run_id}", next((cell for cell in clicked if cell in filled), None))
    cell = st.segmented_control(
        _("Which pairs"),
        filled,
        default=None
        if f"probe.cell.{run_id}" in st.session_state
        else next((one for one in DECISIVE[judged.verdict] if one in filled), filled[-1]),
        required=True,
        format_func=lambda one: f"{plain(CELLS[one])}: {len(judged.cells[one])}",
        key=f"probe.cell.{run_id}",
    )
    for pair in parts.paged(judged.cells[cell], f"probe.page.{run_id}.{cell}", 5):
        with st.container(border=True):
            st.markdown(f"**{session.escape(pair)}**")
            for question in pairs.questions(session.conn(), run_id, pair):
                side = KINDS[question["kind"]]
                st.caption(_(side))
                columns = st.columns(3, gap="small")
                for column, label, text in (
                    (columns[0], _("What was asked"), question["input"]),
                    (columns[1], _("Reference"), question["reference"]),
                    (columns[2], _("Answer"), question["text"] or plain("no answer")),
                ):
                    with column:
                        st.caption(label)
                        parts.text(text)


def _row(label: str, rate: Rate) -> dict[str, object]:
    return {"label": label, "value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}
