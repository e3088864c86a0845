"""The curves of a ladder: accuracy, each field and format over the prompts, and the samples behind a point."""

import pandas as pd
import streamlit as st

from core.evaluation import ladders
from core.evaluation.ladders import Climb
from core.evaluation.tasks import Task
from pages._ui import charts, remembered
from pages._ui.session import _
from pages.diagnosis import _samples


def show(task: Task, climb: Climb) -> None:
    """The plan's metric first and alone; the fields and the format beside each other below it."""
    table = remembered.call(ladders.table, climb.runs)
    if table.empty:
        st.info(_("No answer could be compared with a reference, so there is nothing to count."))
        return
    agreed = {
        "gain": round(task.plan.smallest_gain * 100),
        "target": round(task.target * 100),
        "n": int(table["n"].max()),
        "repeats": climb.repeats,
    }
    st.caption(
        _(
            "Agreed before the run: a gain of G = %(gain)s points is worth having, the target is %(target)s%%. "
            "Measured: n = %(n)s samples, answers per sample K = %(repeats)s. The band is the 95%% interval: where "
            "the true share very probably lies.",
            **agreed,
        )
    )
    if climb.failed:
        st.warning(_("%(count)s calls failed. They are counted apart and not as wrong answers.", count=climb.failed))
    leading = task.plan.metric if task.plan.metric in set(table["metric"]) else table["metric"].iloc[0]
    st.subheader(_("How many answers are right, prompt by prompt"))
    _chart(climb, table[table["metric"] == leading], "ladder.accuracy", task.target)
    rest = table[table["metric"] != leading]
    if not rest.empty:
        st.subheader(_("Each field, and whether the format holds"))
        if climb.repeats == 1:
            st.caption(
                _("Whether the format is stable shows only when each sample is answered several times (K = 3 or more).")
            )
        _chart(climb, rest, "ladder.fields", None)


def _chart(climb: Climb, table: pd.DataFrame, key: str, target: float | None) -> None:
    chart = charts.curves(table, target=target)
    picked = charts.show(chart, table.drop(columns="run_id"), key=f"{key}.{climb.model_id}", name=key)
    for point in picked[:1]:
        run = next(run for run in climb.runs if run["rung"] == point["rung"])
        st.markdown(
            _("**%(metric)s with prompt %(rung)s:** the samples behind this point",
              metric=charts.metric_name(point["metric"]), rung=point["rung"])
        )  # fmt: skip
        _samples.show(run["run_id"], f"{key}.samples", point["metric"])
    if not picked:
        st.caption(_("Click a point to see its samples."))
