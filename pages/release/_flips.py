"""The samples behind the numbers: newly broken, fixed and unchanged, each before and after."""

import streamlit as st

from core.release.proofs import Report
from pages._ui import flips as flip_parts
from pages._ui import parts
from pages._ui.session import _, plain

A_PAGE = 10


def show(report: Report) -> None:
    """One split and one kind of change at a time, the newly broken first."""
    st.header(_("The samples behind it"))
    splits = {"gate": plain("gate: the task itself"), "retain": plain("retain: what must not break")}
    split = st.segmented_control(
        _("Samples"),
        list(splits),
        default="gate",
        format_func=splits.__getitem__,
        required=True,
        key="before_after.split",
    )
    flips = report.flips[split]
    words = {"broken": plain("newly broken"), "fixed": plain("fixed"), "unchanged": plain("unchanged")}
    by_change = {change: [flip for flip in flips if flip.change == change] for change in words}
    change = st.segmented_control(
        _("Change"),
        list(words),
        default=next((one for one, found in by_change.items() if found), "broken"),
        format_func=lambda one: f"{words[one]}: {len(by_change[one])}",
        required=True,
        key=f"before_after.change.{split}.{report.trial['trial_id']}",
    )
    if critical := sum(flip.critical for flip in by_change["broken"]):
        st.warning(_("%(count)s of the newly broken samples are critical. Read each of them.", count=critical))
    if not by_change[change]:
        st.info(_("None."))
    for flip in parts.paged(by_change[change], f"before_after.page.{split}.{change}", A_PAGE):
        flip_parts.show(flip)
