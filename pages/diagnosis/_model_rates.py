"""The models beside each other: shares, differences to the wanted model, time, length and cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.diagnosis.model_gap import ModelGap
from core.diagnosis.verdicts import points
from core.evaluation.tasks import Task
from pages._ui import charts, session
from pages._ui.session import _, plain
from pages.diagnosis import _samples
from pages.evaluation import _costs


def show(task: Task, runs: Sequence[Mapping[str, Any]], names: Mapping[str, str], judged: ModelGap) -> None:
    """Two charts with intervals and a table; a click on a model shows its answers."""
    st.subheader(_("How many answers are right, model by model"))
    table = pd.DataFrame(
        [
            {"label": name, "value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}
            for name, rate in judged.rates.items()
        ]
    )
    chart = charts.forest(table, target=task.target, title=plain("Model"))
    picked = charts.show(chart, table, key="model_gap.rates")
    for point in picked[:1]:
        run = next(run for run in runs if names[run["model_id"]] == point["label"])
        st.markdown(_("**%(model)s:** the samples behind this point", model=point["label"]))
        _samples.show(run["run_id"], "model_gap.samples")
    if not picked:
        st.caption(_("Click a point to see its samples."))
    st.subheader(_("Compared with %(model)s, sample by sample", model=judged.base))
    st.caption(_("A line that crosses zero may be chance. Click a point to see samples that the two answer unlike."))
    against = [
        {"label": name, "gain": found.paired.mean or 0.0, "low": found.paired.low, "high": found.paired.high,
         "n": found.paired.n}
        for name, found in judged.against.items()
    ]  # fmt: skip
    chart = charts.paired(against)
    picked = charts.show(chart, pd.DataFrame(against), key="model_gap.paired")
    by_name = {names[run["model_id"]]: run["run_id"] for run in runs}
    for point in picked[:1]:
        _samples.unlike(task.plan.metric, by_name[judged.base], by_name[point["label"]])
    st.dataframe(
        [_row(run, names[run["model_id"]], judged) for run in runs],
        hide_index=True,
        column_config={
            plain("Model"): st.column_config.TextColumn(width="medium"),
            plain("Seconds per answer"): st.column_config.NumberColumn(format="%.1f"),
        },
    )


def _row(run: Mapping[str, Any], name: str, judged: ModelGap) -> dict[str, Any]:
    rate, against = judged.rates[name], judged.against.get(name)
    told = plain("the wanted model")
    if against is not None:
        found = against.paired
        told = f"{points(found.mean or 0.0)} ({points(found.low)} – {points(found.high)}), {_p(against.p_holm)}"
    return {
        plain("Model"): name,
        plain("Correct"): f"{rate.value:.0%} ({rate.low:.0%} – {rate.high:.0%}), n={rate.n}",
        plain("Difference in points (Holm)"): told,
        plain("Seconds per answer"): run["seconds"],
        plain("Tokens per answer"): run["tokens"],
        plain("Cost of an answer"): _costs.told(session.conn(), run),
    }


def _p(value: float) -> str:
    return f"p = {value:.3f}" if value >= 0.001 else "p < 0.001"
