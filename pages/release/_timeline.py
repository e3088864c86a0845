"""What was signed over time, with a mark wherever production moved."""

import altair as alt
import pandas as pd
import streamlit as st

from core.release import timeline
from pages._ui import downloads, parts, session
from pages._ui.charts import BLUE, GREY, ORANGE
from pages._ui.session import _, plain
from pages.release._decision import STATES

DAYS = alt.Axis(format="%Y-%m-%d %H:%M", tickCount=4, labelLimit=200, labelOverlap=True, labelFlush=True)


def show(task_id: str) -> None:
    """The chart; nothing before something was put up for sign-off."""
    conn = session.conn()
    points, marks = timeline.signed(conn, task_id), timeline.marks(conn, task_id)
    if not points:
        return
    st.subheader(_("Over time"))
    table, moved = pd.DataFrame(points), pd.DataFrame(marks, columns=["when", "kind", "number"])
    for frame in (table, moved):
        frame["when"] = pd.to_datetime([parts.on_clock(one) for one in frame["when"]])
    table["state"] = [_word(STATES[state]) for state in table["state"]]
    moved["mark"] = [_mark(one) for one in marks]
    made = chart(table, moved)
    st.altair_chart(made, key="releases.timeline")
    st.caption(
        _("Each point is a version on its gate samples, with its 95% interval. Lines mark where production moved.")
    )
    downloads.of_chart(made, pd.concat([table, moved.drop(columns="kind")]), "releases")


def chart(table: pd.DataFrame, moved: pd.DataFrame) -> alt.LayerChart:
    """Points with intervals (`when`, `value`, `low`, `high`, `n`, `number`, `state`), and lines (`when`, `mark`)."""
    when = alt.X("when:T", title=None, scale=alt.Scale(padding=40), axis=DAYS)
    share = alt.Axis(format="%", tickCount=5)
    tips = [alt.Tooltip("number:Q", title=plain("Sign-off")), alt.Tooltip("state:N", title=plain("Decision")),
            alt.Tooltip("value:Q", format=".1%", title=plain("On gate")), alt.Tooltip("n:Q", title="n")]  # fmt: skip
    base = alt.Chart(table).encode(x=when, tooltip=tips)
    scale = alt.Scale(domain=[0, 1])
    intervals = base.mark_rule(color=BLUE, strokeWidth=3).encode(
        y=alt.Y("low:Q", title=plain("On gate"), axis=share, scale=scale), y2="high:Q"
    )
    points = base.mark_point(color=BLUE, filled=True, size=90, opacity=1).encode(y=alt.Y("value:Q", scale=scale))
    lines = (
        alt.Chart(moved).mark_rule(color=ORANGE, strokeDash=[5, 4], strokeWidth=2).encode(x=when, tooltip=["mark:N"])
    )
    words = (
        alt.Chart(moved)
        .mark_text(color=GREY, angle=270, align="right", baseline="top", dx=-6, dy=5, fontSize=12)
        .encode(x=when, y=alt.value(0), text="mark:N")
    )
    return (intervals + points + lines + words).properties(height=280)


def _mark(one: dict[str, object]) -> str:
    if one["kind"] == "released":
        return plain("Release %(number)s", number=one["number"])
    return plain("Back to release %(number)s", number=one["number"])


def _word(label: str) -> str:
    return plain(label)
