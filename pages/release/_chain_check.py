"""Whether the chain of audit entries is whole: what was checked, and when."""

import streamlit as st

from core.store import checks
from pages._ui import parts, session
from pages._ui.session import _


def show() -> None:
    """What the last check found, the newest entries included."""
    found = checks.newest(session.conn())
    if found.bad is not None:
        st.error(
            _("Entry %(number)s is not as it was written. Do not rely on what follows it; restore a backup.",
              number=found.bad)
        )  # fmt: skip
        return
    st.success(_("The chain is intact: %(count)s entries.", count=f"{found.seq:,}"), icon=":material/verified:")
    when = parts.moment(found.whole_at)
    if later := found.seq - found.whole:
        st.caption(
            _("All %(count)s entries that there were at %(when)s were read and computed again then; the %(later)s "
              "written since were read once each, the last ones just now.",
              count=f"{found.whole:,}", when=when, later=f"{later:,}")
        )  # fmt: skip
    else:
        st.caption(_("Every entry was read and computed again at %(when)s.", when=when))


def offer() -> None:
    """The button that has every entry read again, and the hash that stands for all of them."""
    st.button(
        _("Check every entry again"),
        key="audit.check",
        icon=":material/fact_check:",
        on_click=lambda: checks.whole(session.conn()),
        help=_("A million entries take a few seconds."),
    )
    st.caption(_("Hash of the newest entry: note it down elsewhere, and a cut end shows, too."))
    parts.text(checks.newest(session.conn()).hash)
