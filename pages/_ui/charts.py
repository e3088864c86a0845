"""Charts: plain data in, altair out. Colours are told apart by the colour-blind and in grey (Okabe and Ito)."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any
from unicodedata import east_asian_width

import altair as alt
import pandas as pd
import streamlit as st

from pages._ui import downloads
from pages._ui.session import plain

BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#8A8A8A"

_WRAPPED = alt.Axis(labelOverlap=False, labelExpr="split(datum.label, ' ')")
"""One word a line, so that names leave room for the bars."""


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
    """Rates with 95% intervals: metrics under each other, for each a bar per value of the column `by`.

    A click picks a bar's `metric` and `by`.
    """
    shown = table.assign(
        name=[metric_name(metric) for metric in table["metric"]],
        told=[f"{value:.0%} (n={n})" for value, n in zip(table["value"], table["n"], strict=True)],
    )
    order, names = list(dict.fromkeys(shown[by])), list(dict.fromkeys(shown["name"]))
    columns = 4 if max(map(len, order)) < 9 else 1
    picked = alt.selection_point(name=PICKED, fields=["metric", by], on="click", empty=True)
    base = alt.Chart(shown).encode(
        y=alt.Y("name:N", title=None, sort=names, axis=_WRAPPED),
        yOffset=alt.YOffset(f"{by}:N", sort=order, bandPosition=0.5),
        tooltip=[
            alt.Tooltip(f"{by}:N", title=title),
            alt.Tooltip("name:N", title=plain("Metric")),
            *interval_tips(),
        ],
    )
    scale = alt.Scale(domain=[0, 1])
    bars = base.mark_bar(cursor="pointer").encode(
        yOffset=alt.YOffset(f"{by}:N", sort=order),
        x=alt.X("value:Q", title=plain("Share, 95% interval"), scale=scale, axis=alt.Axis(format="%", tickCount=5)),
        opacity=alt.condition(picked, alt.value(1), alt.value(0.4)),
        color=alt.Color(
            f"{by}:N",
            title=title,
            sort=order,
            scale=alt.Scale(range=palette(len(order))),
            legend=alt.Legend(orient="top", columns=columns, labelLimit=320, labelExpr=in_lines(order, 38)),
        ),
    )
    intervals = base.mark_rule(strokeWidth=2, color=GREY).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    told = base.mark_text(align="left", dx=6, color=GREY).encode(x=alt.X("high:Q", scale=scale), text="told:N")
    lines = -(-len(order) // columns) if columns > 1 else sum(len(_lines(one, 38)) for one in order)
    above = 145 + 18 * lines  # title and legend, axis and its title: the height is that of the whole picture
    return alt.layer(bars.add_params(picked), intervals, told).properties(height=above + 20 * len(order) * len(names))


PICKED = "picked"
"""The selection that charts report to their page: the points somebody clicked."""


def show(chart: alt.TopLevelMixin, table: pd.DataFrame, *, key: str, name: str = "") -> list[dict[str, Any]]:
    """The chart, its picture and numbers to take along under `name`; returns the points that somebody clicked."""
    event = st.altair_chart(chart, on_select="rerun", selection_mode=[PICKED], key=key)
    downloads.of_chart(chart, table, name or key)
    return picked(event)


def curves(table: pd.DataFrame, *, target: float | None = None) -> alt.LayerChart:
    """Rates over the rungs with their 95% bands, a line per metric; a click picks a point's `rung` and `metric`."""
    shown = table.assign(name=[metric_name(metric) for metric in table["metric"]])
    order, rungs = list(dict.fromkeys(shown["name"])), list(dict.fromkeys(shown["rung"]))
    counts = shown.groupby("rung")["n"].agg(["min", "max"]).loc[rungs]
    told = ["n=" + "–".join(dict.fromkeys(map(str, (low, high)))) for low, high in counts.itertuples(index=False)]
    counted = in_lines(rungs, told=told)
    picked = alt.selection_point(name=PICKED, fields=["rung", "metric"], on="click", empty=False)
    legend = alt.Legend(orient="top", columns=2, labelLimit=320, symbolOpacity=1) if len(order) > 1 else None
    shades = alt.Scale(domain=order, range=palette(len(order)))
    color = alt.Color("name:N", title=None, scale=shades, legend=legend)
    base = alt.Chart(shown).encode(
        x=alt.X("rung:N", title=plain("Prompt"), sort=rungs, axis=alt.Axis(labelAngle=0, labelExpr=counted)),
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
        shape=alt.Shape("name:N", scale=alt.Scale(domain=order), legend=legend, title=None),
        size=alt.condition(picked, alt.value(260), alt.value(110)),
        tooltip=[
            alt.Tooltip("rung:N", title=plain("Prompt")),
            alt.Tooltip("name:N", title=plain("Metric")),
            *interval_tips(),
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
    return alt.layer(*layers).properties(height=300 + 18 * (len(order) // 2))


def forest(table: pd.DataFrame, *, target: float | None, title: str) -> alt.LayerChart:
    """Rates with 95% intervals under each other, the agreed target as a line; a click picks a row's `label`."""
    picked = alt.selection_point(name=PICKED, fields=["label"], on="click", empty=False)
    scale = alt.Scale(domain=[0, 1], padding=9)  # a point at 0% or 100% is whole, too
    told = [f"{value:.0%} (n={n})" for value, n in zip(table["value"], table["n"], strict=True)]
    base = alt.Chart(table).encode(
        y=alt.Y(
            "label:N",
            title=None,
            sort=list(table["label"]),
            axis=alt.Axis(labelLimit=260, labelOverlap=False, labelExpr=in_lines(table["label"], told=told)),
        ),
        tooltip=[alt.Tooltip("label:N", title=title), *interval_tips()],
    )
    goal = pd.DataFrame({"target": [] if target is None else [target]})
    goals = alt.Chart(goal).mark_rule(strokeDash=[6, 4], color=GREY).encode(x="target:Q")
    lines = base.mark_rule(strokeWidth=3, color=BLUE).encode(
        x=alt.X("low:Q", title=plain("Share, 95% interval"), scale=scale, axis=alt.Axis(format="%")), x2="high:Q"
    )
    points = base.mark_point(filled=True, color=BLUE, opacity=1).encode(
        x="value:Q", size=alt.condition(picked, alt.value(260), alt.value(120))
    )
    return alt.layer(goals, lines, points.add_params(picked)).properties(height=height(table["label"]))


def picked(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The points that somebody clicked in a chart with that selection; none at first."""
    found = event["selection"].get(PICKED)
    return list(found) if isinstance(found, list) else []


def steer(key: str, clicked: Any) -> None:
    """Let a new click set the widget of that key, which stays free to be set otherwise; before the widget is drawn."""
    if clicked is not None and clicked != st.session_state.get(f"{key}.clicked"):
        st.session_state[key] = clicked
    st.session_state[f"{key}.clicked"] = clicked


def in_lines(labels: Iterable[str], width: int = 26, told: Iterable[str] = ()) -> str:
    """A Vega expression that writes each label in lines of so many Latin letters, or half as many Chinese ones.

    Long names of models and prompts are read whole so, on a phone, too. A word that is longer has a line of its own.
    What is `told` of each label, in their order, stands below it, where nothing cuts it off.
    """
    below = [[one] for one in told]
    lines = {label: _lines(label, width) + more for label, more in zip_longest(labels, below, fillvalue=[])}
    return f"({json.dumps(lines)})[datum.label] || datum.label"


def height(labels: Sequence[str]) -> int:
    """The height of a chart whose rows have room for their labels, and a line below each; with its axis."""
    return 84 + len(labels) * max([40, *(26 + 14 * len(_lines(label, 26)) for label in labels)])


def _lines(text: str, width: int) -> list[str]:
    lines, room = [""], width
    for part in re.findall(r"[\u2e80-\uffff]|[^\s/_\-\u2e80-\uffff]+[\s/_-]*|[\s/_-]+", text):
        wide = sum(1 + (east_asian_width(letter) in "FW") for letter in part.rstrip())
        if wide > room and lines[-1]:
            lines.append("")
            room = width
        lines[-1] += part
        room -= wide + len(part) - len(part.rstrip())
    return [line.rstrip() for line in lines]


def interval_tips() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("value:Q", title=plain("Share"), format=".1%"),
        alt.Tooltip("low:Q", title=plain("95% from"), format=".1%"),
        alt.Tooltip("high:Q", title=plain("95% to"), format=".1%"),
        alt.Tooltip("n:Q", title="n"),
    ]


def palette(count: int) -> list[str]:
    shades = ["#56B4E9", "#0072B2", "#E69F00", "#D55E00", "#7A5195", "#CC79A7", "#F0E442", "#8A8A8A"]
    return [BLUE, ORANGE][:count] if count <= 2 else shades[:count]


def paired(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Differences after - before in points with their 95% intervals; rows have `label`, `gain`, `low`, `high`, `n`.

    An interval that crosses zero is grey. A click picks a row's `label`.
    """
    table, picked = pd.DataFrame(rows), alt.selection_point(name=PICKED, fields=["label"], on="click", empty=False)
    for column in ("gain", "low", "high"):
        table[column] = table[column] * 100
    told = [f"{gain:+.1f} (n={n})" for gain, n in zip(table["gain"], table["n"], strict=True)]
    base = alt.Chart(table).encode(
        y=alt.Y(
            "label:N",
            title=None,
            sort=[row["label"] for row in rows],
            axis=alt.Axis(labelLimit=320, labelOverlap=False, labelExpr=in_lines(table["label"], told=told)),
        ),
        tooltip=[alt.Tooltip("label:N", title=" "), alt.Tooltip("gain:Q", title=plain("Points"), format="+.1f"),
                 alt.Tooltip("low:Q", title=plain("95% from"), format="+.1f"),
                 alt.Tooltip("high:Q", title=plain("95% to"), format="+.1f"), alt.Tooltip("n:Q", title="n")],
    )  # fmt: skip
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=GREY, strokeDash=[4, 4]).encode(x="zero:Q")
    color = alt.condition((alt.datum.low > 0) | (alt.datum.high < 0), alt.value(BLUE), alt.value(GREY))
    # The title ends where the axis does: in the middle it would be cut off on a phone.
    title, axis = plain("Change in points, 95% interval"), alt.Axis(titleAnchor="end")
    lines = base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", title=title, axis=axis), x2="high:Q", color=color)
    points = base.mark_point(filled=True, opacity=1).encode(
        x="gain:Q", color=color, size=alt.condition(picked, alt.value(260), alt.value(110))
    )
    return alt.layer(zero, lines, points.add_params(picked)).properties(height=height(table["label"]))
