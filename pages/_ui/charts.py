"""Charts: plain data in, altair out. Colours are told apart by the colour-blind and in grey (Okabe and Ito)."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pages._ui.session import plain

BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#8A8A8A"

_WRAPPED = alt.Axis(labelAngle=0, labelOverlap=False, labelExpr="split(datum.label, ' ')")
"""One word a line, so that no name is left out for want of room."""


def metric_name(metric: str) -> str:
    """A metric in the reader's words; a field keeps its own name."""
    names = {
        "correct": plain("Correct"),
        "valid": plain("Format valid"),
        "parses": plain("Readable JSON"),
        "complete": plain("Required fields"),
        "overlap": plain("Overlap with reference"),
        "length": plain("Length"),
        "language": plain("Language"),
        "citations": plain("Citations"),
        "stable": plain("Valid in every answer"),
        "same_text": plain("Same text in every answer"),
        "same_content": plain("Same content in every answer"),
    }
    if metric.startswith("overlap:"):
        return plain("Overlap of field “%(name)s”", name=metric.removeprefix("overlap:"))
    return names.get(metric) or plain("Field “%(name)s”", name=metric.removeprefix("field:"))


def rates(table: pd.DataFrame, *, by: str, title: str) -> alt.LayerChart:
    """Rates with 95% intervals: metrics along the bottom, one bar per value of the column `by`."""
    shown = table.assign(
        metric=[metric_name(metric) for metric in table["metric"]],
        label=[f"{value:.0%} (n={n})" for value, n in zip(table["value"], table["n"], strict=True)],
    )
    order = list(dict.fromkeys(shown[by]))
    base = alt.Chart(shown).encode(
        x=alt.X("metric:N", title=None, sort=list(dict.fromkeys(shown["metric"])), axis=_WRAPPED),
        xOffset=alt.XOffset(f"{by}:N", sort=order),
        tooltip=[
            alt.Tooltip(f"{by}:N", title=title),
            alt.Tooltip("metric:N", title=plain("Metric")),
            *_interval_tips(),
        ],
    )
    scale = alt.Scale(domain=[0, 1])
    bars = base.mark_bar().encode(
        y=alt.Y("value:Q", title=plain("Share"), scale=scale, axis=alt.Axis(format="%")),
        color=alt.Color(
            f"{by}:N",
            title=title,
            sort=order,
            scale=alt.Scale(range=_palette(len(order))),
            legend=alt.Legend(orient="top", direction="vertical", labelLimit=320),
        ),
    )
    intervals = base.mark_rule(strokeWidth=2, color=GREY).encode(y="low:Q", y2="high:Q")
    return (bars + intervals).properties(height=320)


PICKED = "picked"
"""The selection that charts report to their page: the points somebody clicked."""


def curves(table: pd.DataFrame, *, target: float | None = None) -> alt.LayerChart:
    """Rates over the rungs with their 95% bands, a line per metric; a click picks a point's `rung` and `metric`."""
    shown = table.assign(name=[metric_name(metric) for metric in table["metric"]])
    order = list(dict.fromkeys(shown["name"]))
    picked = alt.selection_point(name=PICKED, fields=["rung", "metric"], on="click", empty=False)
    legend = alt.Legend(orient="top", labelLimit=320, symbolOpacity=1) if len(order) > 1 else None
    color = alt.Color("name:N", title=None, sort=order, scale=alt.Scale(range=_palette(len(order))), legend=legend)
    base = alt.Chart(shown).encode(
        x=alt.X("rung:N", title=plain("Prompt"), sort=list(dict.fromkeys(shown["rung"])), axis=alt.Axis(labelAngle=0)),
        color=color,
    )
    scale = alt.Scale(domain=[0, 1])
    high = alt.Y("high:Q", title=plain("Share"), scale=scale, axis=alt.Axis(format="%"))
    band = base.mark_area(opacity=0.18, line=False).encode(y=high, y2="low:Q")
    ends = base.mark_rule(strokeWidth=2, opacity=0.7).encode(y="low:Q", y2="high:Q")
    line = base.mark_line(strokeWidth=2.5).encode(
        y="value:Q", strokeDash=alt.StrokeDash("name:N", sort=order, legend=None)
    )
    points = base.mark_point(filled=True, opacity=1).encode(
        y="value:Q",
        shape=alt.Shape("name:N", sort=order, legend=legend, title=None),
        size=alt.condition(picked, alt.value(260), alt.value(110)),
        tooltip=[
            alt.Tooltip("rung:N", title=plain("Prompt")),
            alt.Tooltip("name:N", title=plain("Metric")),
            *_interval_tips(),
        ],
    )
    layers = [band, ends, line, points.add_params(picked)]
    if target is not None:
        words = plain("Target %(target)s%%", target=round(target * 100))
        goal = alt.Chart(pd.DataFrame({"target": [target], "words": [words]}))
        layers += [
            goal.mark_rule(strokeDash=[6, 4], color=GREY).encode(y="target:Q"),
            goal.mark_text(align="left", dx=6, dy=-7, color=GREY).encode(y="target:Q", text="words:N", x=alt.value(0)),
        ]
    return alt.layer(*layers).properties(height=300)


def forest(table: pd.DataFrame, *, target: float | None, title: str) -> alt.LayerChart:
    """Rates with 95% intervals under each other, the agreed target as a line; a click picks a row's `label`."""
    picked = alt.selection_point(name=PICKED, fields=["label"], on="click", empty=False)
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(table).encode(
        y=alt.Y("label:N", title=None, sort=list(table["label"]), axis=alt.Axis(labelLimit=260)),
        tooltip=[alt.Tooltip("label:N", title=title), *_interval_tips()],
    )
    goal = pd.DataFrame({"target": [] if target is None else [target]})
    goals = alt.Chart(goal).mark_rule(strokeDash=[6, 4], color=GREY).encode(x="target:Q")
    lines = base.mark_rule(strokeWidth=3, color=BLUE).encode(
        x=alt.X("low:Q", title=plain("Share, 95% interval"), scale=scale, axis=alt.Axis(format="%")), x2="high:Q"
    )
    points = base.mark_point(filled=True, color=BLUE, opacity=1).encode(
        x="value:Q", size=alt.condition(picked, alt.value(260), alt.value(120))
    )
    return alt.layer(goals, lines, points.add_params(picked)).properties(height=70 + 44 * len(table))


def picked(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The points that somebody clicked in a chart with that selection; none at first."""
    found = event["selection"].get(PICKED)
    return list(found) if isinstance(found, list) else []


def steer(key: str, clicked: Any) -> None:
    """Let a new click set the widget of that key, which stays free to be set otherwise; before the widget is drawn."""
    if clicked is not None and clicked != st.session_state.get(f"{key}.clicked"):
        st.session_state[key] = clicked
    st.session_state[f"{key}.clicked"] = clicked


def _interval_tips() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("value:Q", title=plain("Share"), format=".1%"),
        alt.Tooltip("low:Q", title=plain("95% from"), format=".1%"),
        alt.Tooltip("high:Q", title=plain("95% to"), format=".1%"),
        alt.Tooltip("n:Q", title="n"),
    ]


def _palette(count: int) -> list[str]:
    shades = ["#56B4E9", "#0072B2", "#E69F00", "#D55E00", "#7A5195", "#CC79A7", "#F0E442", "#8A8A8A"]
    return [BLUE, ORANGE][:count] if count <= 2 else shades[:count]


def paired(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Differences after - before in points with their 95% intervals; rows have `label`, `gain`, `low`, `high`, `n`.

    An interval that crosses zero is grey. A click picks a row's `label`.
    """
    table, picked = pd.DataFrame(rows), alt.selection_point(name=PICKED, fields=["label"], on="click", empty=False)
    for column in ("gain", "low", "high"):
        table[column] = table[column] * 100
    base = alt.Chart(table).encode(
        y=alt.Y("label:N", title=None, sort=[row["label"] for row in rows], axis=alt.Axis(labelLimit=320)),
        tooltip=[alt.Tooltip("label:N", title=" "), alt.Tooltip("gain:Q", title=plain("Points"), format="+.1f"),
                 alt.Tooltip("low:Q", title=plain("95% from"), format="+.1f"),
                 alt.Tooltip("high:Q", title=plain("95% to"), format="+.1f"), alt.Tooltip("n:Q", title="n")],
    )  # fmt: skip
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=GREY, strokeDash=[4, 4]).encode(x="zero:Q")
    color = alt.condition((alt.datum.low > 0) | (alt.datum.high < 0), alt.value(BLUE), alt.value(GREY))
    lines = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", title=plain("Change in points, 95% interval")), x2="high:Q", color=color
    )
    points = base.mark_point(filled=True, opacity=1).encode(
        x="gain:Q", color=color, size=alt.condition(picked, alt.value(260), alt.value(110))
    )
    return alt.layer(zero, lines, points.add_params(picked)).properties(height=60 + 44 * len(rows))


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
            legend=alt.Legend(orient="top"),
        ),
        tooltip=["of:N", "step:Q", alt.Tooltip("value:Q", format=".3f")],
    )
    points = base.mark_point(filled=True, size=60).transform_filter(alt.datum.of == names["eval_loss"])
    return (base.mark_line() + points).properties(height=220)


def course(steps: Sequence[Mapping[str, Any]], field: str, title: str) -> alt.Chart:
    """One number over the steps."""
    table = pd.DataFrame([{"step": step["step"], "value": step.get(field)} for step in steps]).dropna()
    return (
        alt.Chart(table)
        .mark_line(color=GREY)
        .encode(
            x=alt.X("step:Q", title=plain("Step"), axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("value:Q", title=title),
            tooltip=["step:Q", alt.Tooltip("value:Q", format=".3g")],
        )
        .properties(height=140)
    )


def overlaid(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> alt.Chart:
    """The training losses of several models over their steps."""
    rows = [
        {"of": name, "step": step["step"], "value": step["loss"]} for name, steps in curves.items() for step in steps
    ]
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_line()
        .encode(
            x=alt.X("step:Q", title=plain("Step"), axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("value:Q", title=plain("Loss")),
            color=alt.Color(
                "of:N",
                title=None,
                scale=alt.Scale(range=_palette(len(curves))),
                legend=alt.Legend(orient="top", labelLimit=320),
            ),
            tooltip=["of:N", "step:Q", alt.Tooltip("value:Q", format=".3f")],
        )
        .properties(height=260)
    )


def learning(table: pd.DataFrame) -> alt.LayerChart:
    """Shares with their 95% intervals over the number of approved samples (`rows`) that were learned from."""
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(table).encode(
        x=alt.X("rows:Q", title=plain("Approved samples learned from"), scale=alt.Scale(zero=True)),
        tooltip=[alt.Tooltip("rows:Q", title=plain("Approved samples")), *_interval_tips()],
    )
    value = alt.Y("value:Q", title=plain("Share, 95% interval"), scale=scale, axis=alt.Axis(format="%"))
    rules = base.mark_rule(strokeWidth=3, color=BLUE).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    line = base.mark_line(color=BLUE).encode(y=value)
    points = base.mark_point(size=120, filled=True, color=BLUE, opacity=1).encode(y=value)
    return (rules + line + points).properties(height=260)
