"""Approvals: what experts passed or corrected waits here for a name. The only door into training data."""

import streamlit as st

from core.review import approvals, blindness
from core.training import recipes
from pages._ui import session
from pages._ui.session import _, plain
from pages.review import _coverage, _decisions, _words

task = session.task()
conn, viewer = session.conn(), session.person().person_id
candidates, everything = approvals.candidates(conn, task.task_id), approvals.approved(conn, task.task_id)
waiting, approved = blindness.shown(conn, viewer, candidates), blindness.shown(conn, viewer, everything)
st.title(_("Approvals"))
st.markdown(
    _(
        "To approve a sample means: this answer is what we want, and the AI may learn from it. Only samples of the "
        "split “train” come here. Those of “gate” and “retain” stay locked away for the proof."
    )
)
st.progress(
    min(1.0, len(everything) / recipes.FEW),
    text=_("%(count)s approved; at least %(few)s are recommended", count=len(everything), few=recipes.FEW),
)
rows = {"waiting": waiting, "approved": approved}
words = {"waiting": plain("Waiting for a decision"), "approved": plain("Approved")}
shown = st.segmented_control(
    _("Show"),
    list(words),
    default="waiting",
    format_func=lambda view: f"{words[view]}: {len(rows[view])}",
    required=True,
    key="approvals.view",
    label_visibility="collapsed",
)
if hidden := len(candidates) - len(waiting) + len(everything) - len(approved):
    _words.left_out(hidden)
if waiting or approved:
    with st.expander(_("What the approved samples cover"), icon=":material/grid_view:"):
        _coverage.show(task)
if rows[shown]:
    as_is = sum(row["origin"] == "as_is" for row in rows[shown])
    st.caption(_("%(as_is)s as they are, %(corrected)s corrected", as_is=as_is, corrected=len(rows[shown]) - as_is))
if shown == "waiting":
    _decisions.show_waiting(task.task_id, waiting)
else:
    _decisions.show_approved(task.task_id, approved)
