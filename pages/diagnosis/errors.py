"""Errors: what kind of mistake is made, what a change made rarer, and samples that tell nothing."""

import streamlit as st

from pages._ui import remembered, session
from pages._ui.session import _, plain
from pages.diagnosis import _error_changes, _evidence, _items, _pareto

task = session.task()
st.title(_("Errors"))
st.caption(
    _(
        "What people named as mistakes when they judged answers. A sample counts once, however many people judged it "
        "and however often it was answered."
    )
)
versions = remembered.call(_evidence.judged_versions, task)
names = {one["id"]: session.either(one) for one in task.error_types}
views = {
    "kinds": plain("Kinds of mistakes"),
    "changes": plain("Change between versions"),
    "items": plain("Quality of the samples"),
}
view = st.segmented_control(
    _("View"),
    list(views),
    default="kinds",
    required=True,
    format_func=views.__getitem__,
    key="errors.view",
    label_visibility="collapsed",
)
if view == "kinds":
    _pareto.show(versions, names)
elif view == "changes":
    _error_changes.show(versions, names)
else:
    _items.show(task)
