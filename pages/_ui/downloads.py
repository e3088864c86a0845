"""A chart to take along: as a picture, and its numbers as a table."""

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st
import vl_convert

from core.evaluation import spreadsheets
from pages._ui.session import _

MIMES = {"png": "image/png", "svg": "image/svg+xml", "csv": "text/csv"}


def of_chart(chart: alt.TopLevelMixin, table: pd.DataFrame, name: str) -> None:
    """Buttons for PNG, SVG and CSV under `name`; each is made only when somebody presses it."""
    with st.popover(_("Download"), icon=":material/download:"):
        for kind, make in files(chart, table).items():
            key = f"{name}.{kind}"
            st.download_button(kind.upper(), make, key, MIMES[kind], on_click="ignore", key=f"{key}.download")


def files(chart: alt.TopLevelMixin, table: pd.DataFrame) -> dict[str, Callable[[], Any]]:
    """What makes each file. The picture fetches nothing; the table opens in a spreadsheet as what it is."""

    def specification() -> str:
        return str(chart.configure(background="white").to_json())

    return {
        "png": lambda: vl_convert.vegalite_to_png(specification(), scale=2, allowed_base_urls=[]),
        "svg": lambda: vl_convert.vegalite_to_svg(specification(), allowed_base_urls=[]),
        "csv": lambda: csv(table),
    }


def csv(table: pd.DataFrame) -> str:
    """The table as a file that a spreadsheet opens as what it is."""
    safe = table.map(lambda cell: spreadsheets.escape(cell) if isinstance(cell, str) else cell)
    return "\ufeff" + safe.to_csv(index=False)
