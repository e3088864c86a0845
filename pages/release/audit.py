"""Audit trail: every act, the newest first, and whether the chain of entries is whole."""

import pandas as pd
import streamlit as st

from core.release import trail
from core.store import audit
from pages._ui import parts, persons, session, state
from pages._ui.session import _, plain
from pages.release import _acts, _entry

A_PAGE = 50

st.title(_("Audit trail"))
st.markdown(
    _(
        "Every act is written down when it happens. Each entry is sealed with the one before it, so that a later "
        "change shows."
    )
)
bad = audit.first_bad_entry(session.conn())
newest = trail.head(session.conn())
if newest is None:
    st.info(_("Nothing has happened yet."))
    st.stop()
if bad is None:
    values = {"count": newest["seq"], "hash": newest["hash"]}
    st.success(_("The chain is intact: %(count)s entries.", **values), icon=":material/verified:")
    st.caption(_("Hash of the newest entry:"))
    parts.text(newest["hash"])
else:
    st.error(
        _("Entry %(number)s is not as it was written. Do not rely on what follows it; restore a backup.", number=bad)
    )


def export() -> bytes:
    return "".join(trail.lines(state.conn())).encode("utf-8", "surrogatepass")


st.download_button(
    _("Download all as JSONL"),
    export,
    file_name="audit.jsonl",
    mime="application/jsonl",
    on_click="ignore",
    icon=":material/download:",
    key="audit.download",
)


@st.fragment
def show() -> None:
    """The entries asked for, from the newest backwards."""
    conn = session.conn()
    left, right = st.columns(2)
    who = persons.names()
    with left:
        act = parts.select(_("Act"), [None, *trail.acts(conn)], format_func=_acts.act, key="audit.act")
    with right:
        actor = parts.select(
            _("Who"),
            [None, *trail.actors(conn)],
            format_func=lambda one: plain("Everybody") if one is None else who[one],
            key="audit.actor",
        )
    filters = f"audit.before.{act}.{actor}"
    starts = st.session_state.setdefault(filters, [])  # where each page that was turned begins
    rows = trail.entries(conn, before=starts[-1] if starts else None, act=act, actor=actor, limit=A_PAGE + 1)
    st.dataframe(
        pd.DataFrame(
            {
                plain("Entry"): [row["seq"] for row in rows[:A_PAGE]],
                plain("When"): [parts.moment(row["happened_at"]) for row in rows[:A_PAGE]],
                plain("Who"): [who[row["actor"]] for row in rows[:A_PAGE]],
                plain("Act"): [_acts.act(row["act"]) for row in rows[:A_PAGE]],
                plain("What"): [row["subject"] for row in rows[:A_PAGE]],
                plain("Details"): [row["detail"] for row in rows[:A_PAGE]],
            }
        ),
        hide_index=True,
        key="audit.table",
    )
    _entry.read({row["seq"]: row for row in rows[:A_PAGE]})
    with st.container(horizontal=True):
        st.button(_("Newer"), disabled=not starts, key="audit.newer", on_click=lambda: starts.pop())
        more = len(rows) > A_PAGE
        st.button(
            _("Older"), disabled=not more, key="audit.older", on_click=lambda: starts.append(rows[A_PAGE - 1]["seq"])
        )


show()
