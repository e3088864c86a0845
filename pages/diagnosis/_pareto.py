"""The kinds of mistakes in order of their share, and the answers behind a bar."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core.diagnosis import errors
from core.review import error_counts
from pages._ui import charts, parts, remembered, session
from pages._ui.session import _, plain
from pages.diagnosis import _samples
from pages.review import _words


def show(versions: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> None:
    """Of one version or of all: a sentence, the bars, and what is behind the one that was clicked."""
    if not versions:
        nothing()
        return
    chosen = parts.select(
        _("Version"),
        [None, *range(len(versions))],
        format_func=lambda one: plain("All versions") if one is None else label(versions, one),
        key="errors.version",
    )
    run_ids = [run_id for one in (versions if chosen is None else [versions[chosen]]) for run_id in one["run_ids"]]
    found = errors.judge(remembered.call(error_counts.of_runs, run_ids), names)
    st.info(f"### {_(found.sentence.message, **found.sentence.values)}", icon=":material/troubleshoot:")
    if not found.shares:
        return
    rows = [
        {"label": names.get(kind, kind), "value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}
        for kind, rate in found.shares.items()
    ]
    table, kinds = pd.DataFrame(rows), list(found.shares)
    points = charts.show(bars(table), table, key=f"errors.pareto.{chosen}", name="errors.pareto")
    st.caption(
        _("Share of the samples with a named mistake. A sample may have several, so the shares may add up to more "
          "than the whole. Click a bar to see its answers.")
    )  # fmt: skip
    picked = next((one["label"] for one in points), None)
    kind = next((kind for kind, row in zip(kinds, rows, strict=True) if row["label"] == picked), None)
    if kind is not None:
        examples(run_ids, kind, names)


def bars(table: pd.DataFrame) -> alt.LayerChart:
    """Shares with 95% intervals, the largest on top; rows have `label`, `value`, `low`, `high`, `n`."""
    picked = alt.selection_point(name=charts.PICKED, fields=["label"], on="click", empty=True)
    told = [f"{row.value:.0%} (n={row.n})" for row in table.itertuples()]
    labels = alt.Axis(labelLimit=220, labelOverlap=False, labelExpr=charts.in_lines(table["label"], told=told))
    base = alt.Chart(table).encode(
        y=alt.Y("label:N", title=None, sort=list(table["label"]), axis=labels),
        tooltip=[
            alt.Tooltip("label:N", title=plain("Error type")),
            alt.Tooltip("value:Q", title=plain("Share"), format=".1%"),
            alt.Tooltip("low:Q", title=plain("95% from"), format=".1%"),
            alt.Tooltip("high:Q", title=plain("95% to"), format=".1%"),
            alt.Tooltip("n:Q", title="n"),
        ],
    )
    scale = alt.Scale(domain=[0, 1])
    share = alt.X("value:Q", title=plain("Share, 95% interval"), scale=scale, axis=alt.Axis(format="%"))
    solid = base.mark_bar(color=charts.BLUE, size=26, cursor="pointer").encode(
        x=share, opacity=alt.condition(picked, alt.value(1), alt.value(0.4))
    )
    ends = base.mark_rule(strokeWidth=3, color=charts.GREY).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    return alt.layer(solid.add_params(picked), ends).properties(height=charts.height(table["label"]))


def examples(run_ids: Sequence[str], kind: str, names: Mapping[str, str]) -> None:
    """Answers that were failed for that reason, with what each rater said."""
    st.markdown(_("**%(kind)s:** the answers behind it", kind=names.get(kind, kind)))
    if _samples.hidden(run_ids):
        return
    found = error_counts.examples(session.conn(), run_ids, kind)
    for one in parts.paged(found, f"errors.examples.{kind}", 5):
        with st.container(border=True):
            st.caption(session.escape(f"{one['key']} · {one['rung']} · {one['model_name']}"))
            columns = st.columns(3, gap="small")
            for column, title, text in (
                (columns[0], _("What was asked"), one["input"]),
                (columns[1], _("Reference"), one["reference"]),
                (columns[2], _("Answer"), one["text"]),
            ):
                with column:
                    st.caption(title)
                    parts.text(text)
            _words.ratings(one["ratings"], names)


def label(versions: Sequence[Mapping[str, Any]], number: int) -> str:
    """Prompt and model of a version, told apart from another of the same name; plain text."""
    one = versions[number]
    name = f"{one['rung']} · {one['model_name']}"
    if sum((other["rung"], other["model_name"]) == (one["rung"], one["model_name"]) for other in versions) > 1:
        name += f" ({one['prompt_id'][-4:]})"
    return name + " · " + plain("%(count)s answers", count=one["answers"])


def nothing() -> None:
    """Nobody has judged an answer yet."""
    st.info(_("Nobody has judged answers of this task yet. Put some into a queue under Review, Queues."))
    parts.link("review/queues.py", _("Go to Queues"), "inbox")
