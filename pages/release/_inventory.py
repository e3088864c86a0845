"""Every model and prompt in use, in all tasks: who answers for it, who signed, until when."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluation.retrieving import Retrieval
from core.release import inventories, records
from pages._ui import downloads, parts, passages, persons, session
from pages._ui.session import _, plain
from pages.release import _stale
from pages.release._decision import STATES
from pages.release._move import NAMES

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def show() -> None:
    """The table, and the same as a file."""
    st.subheader(_("Everything in use"))
    rows, who = inventories.everything(session.conn()), persons.names()
    if not rows:
        st.caption(_("Nothing is released here yet."))
        return
    words = {state: _word(label) for state, label in STATES.items()}
    table = pd.DataFrame(
        {
            plain("Task"): [session.either(row["task"]) for row in rows],
            plain("Owner"): [who[row["owner"]] for row in rows],
            plain("Name"): [_word(NAMES[row["alias"]]) for row in rows],
            plain("Release"): [row["number"] for row in rows],
            plain("Still holds"): [plain("no") if row["stale"] else plain("yes") for row in rows],
            plain("Next review"): [str(row["expires_on"]) for row in rows],
            plain("Model"): [row["model"] for row in rows],
            plain("Prompt"): [row["prompt"] for row in rows],
            plain("Knowledge index"): [_index(row["index"]) for row in rows],
            plain("Judge"): [_judges(row["judges"]) for row in rows],
            plain("What it may be used for"): [row["purpose"] for row in rows],
            plain("Decision"): [words[row["state"]] for row in rows],
            plain("Signed by"): [" · ".join(row["signed_by"]) for row in rows],
            plain("Signed"): [parts.moment(row["signed_at"]) for row in rows],
            plain("What has changed"): [_stale.words(row["stale"]) for row in rows],
            plain("Withdrawn samples"): [row["withdrawn"] for row in rows],
        }
    )
    st.dataframe(table, hide_index=True, key="releases.inventory")
    with st.container(horizontal=True):
        st.download_button(
            "CSV", lambda: downloads.csv(table), "inventory.csv", "text/csv", on_click="ignore", key="inventory.csv"
        )
        st.download_button("XLSX", lambda: book(table), "inventory.xlsx", XLSX, on_click="ignore", key="inventory.xlsx")


def book(table: pd.DataFrame) -> bytes:
    """The table as a workbook whose cells are text."""
    return records.book({"inventory": [list(table.columns), *table.to_numpy().tolist()]})


def _index(index: Mapping[str, Any] | None) -> str:
    if index is None:
        return plain("none")
    return passages.place(Retrieval(index_id=index["index_id"], k=index["k"]))


def _judges(judges: Sequence[Mapping[str, Any]]) -> str:
    """Each with its model and how many samples of people it was held against."""
    named = [
        plain("%(name)s (%(model)s, held against people on %(samples)s samples)", name=one["name"], model=one["model"],
              samples=(one["calibration"] or {}).get("samples", 0))
        for one in judges
    ]  # fmt: skip
    return " · ".join(named) or plain("none")


def _word(label: str) -> str:
    return plain(label)
