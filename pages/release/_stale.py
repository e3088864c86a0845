"""Why a sign-off does not hold any more, in words, and the lines that have changed."""

from collections.abc import Sequence

import streamlit as st

from core.locale.mark import N_
from core.release import evidence, sign_offs
from core.release.sign_offs import SignOff
from pages._ui import parts, session
from pages._ui.session import _, plain

EXPIRED = N_("its last day has passed")


def show(case: SignOff) -> None:
    """Nothing while it holds; else each reason, and the differences of texts and files."""
    stale = sign_offs.stale(session.conn(), case)
    for reason in stale:
        if reason == "expired":
            st.error(_("This sign-off has expired on %(day)s.", day=case.expires_on))
        else:
            st.error(_("What was signed has changed since: %(item)s.", item=_word(evidence.ITEMS[reason])))
    if stale and (changed := sign_offs.difference(session.conn(), case)):
        with st.expander(_("What has changed since it was signed"), expanded=True):
            for item, lines in changed.items():
                st.caption(_word(evidence.ITEMS[item]))
                parts.text("\n".join(lines))


def words(stale: Sequence[str]) -> str:
    """The reasons in one line; empty while it holds."""
    return " · ".join(_word(EXPIRED if one == "expired" else evidence.ITEMS[one]) for one in stale)


def _word(label: str) -> str:
    return plain(label)
