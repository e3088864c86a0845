"""One sample before and after, as several pages show it."""

import streamlit as st

from core.evaluation.flips import Flip
from pages._ui import parts
from pages._ui.session import _


def show(flip: Flip) -> None:
    """What was asked and what was wanted, then both answers side by side."""
    with st.container(border=True):
        if flip.critical:
            st.badge(_("critical"), icon=":material/priority_high:", color="orange")
        asked, wanted = st.columns(2, gap="medium")
        before, after = st.columns(2, gap="medium")
        for column, label, text in (
            (asked, _("What was asked"), flip.input),
            (wanted, _("Reference"), flip.reference),
            (before, _("Before"), flip.before),
            (after, _("After"), flip.after),
        ):
            with column:
                st.caption(label)
                parts.text(text)
