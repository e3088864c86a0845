"""Whether the chain of audit entries is whole: what was checked, and when."""

import streamlit as st

from core.store import checks
from core.store.checks import Check
from pages._ui import parts, session
from pages._ui.session import _


def show() -> None:
    """What the last check found, the newest entries included, and the button that has all of them read again."""
    found = checks.newest(session.conn())
    if st.button(_("Check every entry again"), key="audit.check", icon=":material/fact_check:"):
        with st.spinner(_("Reading every entry …")):
            found = checks.whole(session.conn())
    _say(found)


def _say(found: Check) -> None:
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
    st.caption(_("Hash of the newest entry:"))
    parts.text(found.hash)
