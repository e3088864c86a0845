"""Charts of trainings: plain data in, altair out, in the colours of the other charts."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from pages._ui import charts
from pages._ui.charts import BLUE, GREY, ORANGE, PICKED
from pages._ui.session import plain


def loss(steps: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """The training loss over the steps so far."""
    table = pd.DataFrame([{"step": step["step"], "loss": step.get("loss")} for step in steps]).dropna()
    return (
        alt.Chart(table)
        .mark_line(color=BLUE, point=len(table) < 40)
        .encode(
            x=alt.X("step:Q", title=plain("Step"), axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("loss:Q", title=plain("Loss")),
            tooltip=["step:Q", alt.Tooltip("loss:Q", format=".3f")],
        )
        .properties(height=220)
    )


def losses(steps: Sequence[Mapping[str, Any]], held_out: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """The training loss over the steps and, where rows were held out, the loss on them after each epoch."""
    names = {"loss": plain("Loss"), "eval_loss": plain("Held-out loss")}
    rows = [{"step": one["step"], "of": names["loss"], "value": one["loss"]} for one in steps]
    rows += [{"step": one["step"], "of": names["eval_loss"], "value": one["eval_loss"]} for one in held_out]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("step:Q", title=plain("Step"), axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("value:Q", title=plain("Loss")),
        color=alt.Color(
            "of:N",
            title=None,
            scale=alt.Scale(domain=list(names.values()), range=[BLUE, ORANGE]),
            legend=alt.Legend(orient="top") if held_out else None,
        ),
        tooltip=["of:N", "step:Q", alt.Tooltip("value:Q", format=".3f")],
    )
    points = base.mark_point(filled=True, size=60).transform_filter(alt.datum.of == names["eval_loss"])
    return (base.mark_line() + points).properties(height=220)


def course(table: pd.DataFrame, field: str, title: str) -> alt.Chart:
    """One number over the steps; a row has `step` and `field`."""
    return (
        alt.Chart(table)
        .mark_line(color=GREY)
        .encode(
            x=alt.X("step:Q", title=plain("Step"), axis=alt.Axis(tickMinStep=1)),
            y=alt.Y(f"{field}:Q", title=title),
            tooltip=["step:Q", alt.Tooltip(f"{field}:Q", title=title, format=".3g")],
        )
        .properties(height=140)
    )


def overlaid(table: pd.DataFrame) -> alt.Chart:
    """The training losses of several models over their steps; a row has `model`, `step`, `loss`."""
    order = list(dict.fromkeys(table["model"]))
    legend = alt.Legend(
        orient="top", columns=1, labelLimit=320, symbolType="stroke", labelExpr=charts.in_lines(order, 38)
    )
    return (
        alt.Chart(table)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("step:Q", title=plain("Step"), axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("loss:Q", title=plain("Loss")),
            color=alt.Color(
                "model:N", title=None, sort=order, scale=alt.Scale(range=charts.palette(len(order))), legend=legend
            ),
            strokeDash=alt.StrokeDash("model:N", title=None, sort=order, legend=legend),
            tooltip=["model:N", "step:Q", alt.Tooltip("loss:Q", format=".3f")],
        )
        .properties(height=240 + 18 * len(order))
    )


def learning(table: pd.DataFrame) -> alt.LayerChart:
    """Shares with 95% intervals over how many approved samples were learned from; a click picks a point's `rows`."""
    picked = alt.selection_point(name=PICKED, fields=["rows"], on="click", empty=False)
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(table).encode(
        x=alt.X("rows:Q", title=plain("Approved samples learned from"), scale=alt.Scale(zero=True)),
        tooltip=[alt.Tooltip("rows:Q", title=plain("Approved samples")), *charts.interval_tips()],
    )
    value = alt.Y("value:Q", title=plain("Share, 95% interval"), scale=scale, axis=alt.Axis(format="%"))
    rules = base.mark_rule(strokeWidth=3, color=BLUE).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    line = base.mark_line(color=BLUE).encode(y=value)
    size = alt.condition(picked, alt.value(260), alt.value(120))
    points = base.mark_point(filled=True, color=BLUE, opacity=1).encode(y=value, size=size)
    return alt.layer(rules, line, points.add_params(picked)).properties(height=260)
