"""Approvals: what experts passed or corrected waits here for a name. The only door into training data."""

import streamlit as st

from core.locale.mark import N_
from core.review import approvals
from core.training import training_sets
from pages._ui import session
from pages._ui.session import _, plain
from pages.review import _decisions

task = session.task()
waiting = approvals.candidates(session.conn(), task.task_id)
approved = approvals.approved(session.conn(), task.task_id)
st.title(_("Approvals"))
st.markdown(
    _(
        "Who approves a sample says: this answer is what we want, the AI may learn from it. Only samples of the "
        "`train` split come here; `gate` and `retain` samples stay locked away for the proof."
    )
)


def parts_of(rows: list[dict[str, str]]) -> dict[str, int]:
    as_is = sum(row["origin"] == "as_is" for row in rows)
    return {"count": len(rows), "as_is": as_is, "corrected": len(rows) - as_is}


counts = st.columns(2)
split = N_("%(as_is)s as they are, %(corrected)s corrected")
for column, label, rows in ((counts[0], _("Waiting"), waiting), (counts[1], _("Approved"), approved)):
    column.metric(label, len(rows))
    column.caption(_(split, **parts_of(rows)))
counts[1].progress(
    min(1.0, len(approved) / training_sets.FEW),
    text=_("%(count)s approved; a trial needs %(few)s to show much", count=len(approved), few=training_sets.FEW),
)
names = {"waiting": plain("Waiting for a decision"), "approved": plain("Approved")}
shown = st.segmented_control(
    _("Show"), list(names), default="waiting", format_func=names.__getitem__, required=True, key="approvals.view"
)
if shown == "waiting":
    _decisions.show_waiting(task.task_id, waiting)
else:
    _decisions.show_approved(task.task_id, approved)
