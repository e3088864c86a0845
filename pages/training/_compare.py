"""Trials side by side: what was different, what came of it, and their curves in one picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.diagnosis.verdicts import Comparison
from core.jobs import folder as job_folder
from core.locale.mark import N_
from core.release import plans
from pages._ui import downloads, session, training_charts
from pages._ui.session import _, plain
from pages.training import _plan

SETTINGS = {
    "method": N_("Method"),
    "quantized": N_("4-bit weights"),
    **{name: label for name, (label, _help, _safe) in _plan.FIELDS.items()},
    "alpha": N_("Alpha (the adapter counts alpha / rank)"),
    "dropout": N_("Dropout"),
    "max_length": N_("Longest row, in tokens"),
    "beta": N_("Hold on the base (DPO)"),
}
"""What each setting of a recipe is called, in the order of the form."""


def show(made: Sequence[Mapping[str, Any]]) -> None:
    """The settings in which they differ, the change on gate and retain with its interval, and the losses."""
    st.header(_("Trials side by side"))
    names = [name for name in SETTINGS if len({repr(trial["recipe"].get(name)) for trial in made}) > 1]
    rows = []
    for trial in made:
        report = plans.report(session.conn(), trial["trial_id"])
        rows.append(
            {
                plain("Model"): trial["model_name"],
                plain("Rows"): trial["row_count"],
                plain("Change on gate"): _change(report.gate) if report else "–",
                plain("Change on retain"): _change(report.retain) if report and report.retain else "–",
                **{plain(SETTINGS[name]): _setting(trial["recipe"].get(name)) for name in names},
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    if not names:
        st.caption(_("Their settings are the same: what differs is the data, or chance."))
    elif names == ["seed"]:
        st.caption(_("Only the seed differs: the difference between them is training noise."))
    losses = [
        {"model": trial["model_name"], "step": step["step"], "loss": step["loss"]}
        for trial in made
        for step in _steps(trial["job_id"])
    ]
    if losses:
        table = pd.DataFrame(losses)
        chart = training_charts.overlaid(table)
        st.altair_chart(chart, key="compare.losses")
        downloads.of_chart(chart, table, "compare.losses")


def _setting(value: Any) -> str:
    """A setting in words; one that this version of the recipe did not have yet is left open."""
    if value is None:
        return "–"
    return plain({True: N_("yes"), False: N_("no")}[value]) if isinstance(value, bool) else str(value)


def _change(compared: Comparison) -> str:
    """A change in points with its 95% interval and n; the word for it belongs to the proof."""
    found = compared.paired
    if found.mean is None:
        return "–"
    return f"{found.mean * 100:+.1f} ({found.low * 100:+.1f} … {found.high * 100:+.1f}), n={found.n}"


def _steps(job_id: str) -> list[dict[str, Any]]:
    events = job_folder.events(session.job_folder(job_id))
    return list({event["step"]: event for event in events if event["event"] == "step"}.values())
