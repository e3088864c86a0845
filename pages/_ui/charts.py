"""Charts: plain data in, altair out. Colours are told apart by the colour-blind and in grey (Okabe and Ito)."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

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
            alt.Tooltip("value:Q", title=plain("Share"), format=".1%"),
            alt.Tooltip("low:Q", title=plain("95% from"), format=".1%"),
            alt.Tooltip("high:Q", title=plain("95% to"), format=".1%"),
            alt.Tooltip("n:Q", title="n"),
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


def _palette(count: int) -> list[str]:
    shades = ["#56B4E9", "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#F0E442", "#8A8A8A"]
    return [BLUE, ORANGE] if count == 2 else shades[:count]


def paired(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Differences after - before in points with their 95% intervals; rows have `label`, `gain`, `low`, `high`, `n`."""
    table = pd.DataFrame(rows)
    for column in ("gain", "low", "high"):
        table[column] = table[column] * 100
    base = alt.Chart(table).encode(
        y=alt.Y("label:N", title=None, sort=[row["label"] for row in rows], axis=alt.Axis(labelLimit=320)),
        tooltip=["label:N", alt.Tooltip("gain:Q", format="+.1f"), alt.Tooltip("low:Q", format="+.1f"),
                 alt.Tooltip("high:Q", format="+.1f"), "n:Q"],
    )  # fmt: skip
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=GREY, strokeDash=[4, 4]).encode(x="zero:Q")
    lines = base.mark_rule(strokeWidth=3, color=BLUE).encode(
        x=alt.X("low:Q", title=plain("Change in points, 95% interval")), x2="high:Q"
    )
    points = base.mark_point(size=110, filled=True, color=BLUE, opacity=1).encode(x="gain:Q")
    return (zero + lines + points).properties(height=60 + 44 * len(rows))


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
