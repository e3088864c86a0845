"""Flagged answers: raters asked that somebody else look at them. A lead opens each, and says what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.access import roles
from core.locale.mark import N_
from core.review import flags
from pages._ui import parts, persons, session
from pages._ui.session import _
from pages.review import _words


def show(flagged: Sequence[dict[str, Any]], types: Mapping[str, str]) -> None:
    """Who flagged which answer, with the note; the answer itself is one click away."""
    if not flagged:
        return
    st.subheader(_("Flagged: %(count)s", count=len(flagged)))
    st.caption(_("Raters judged these, and asked that somebody else look at them. Say what came of it."))
    who = persons.names()
    for one in parts.paged(flagged, "adjudicate.flags", 10):
        with st.container(border=True):
            when = parts.moment(one["rated_at"])
            st.markdown(_("**%(name)s** flagged this on %(when)s", name=who[one["rater"]], when=when))
            if one["note"]:
                parts.text(one["note"])
            with st.expander(_("The answer"), icon=":material/flag:"):
                _words.texts(one["input"], one["text"])
                if one["verdict"] != "skip":
                    _words.ratings([{**one, "note": ""}], types)
            if roles.may(session.person(), "adjudicate"):
                _close(one)


def _close(one: Mapping[str, Any]) -> None:
    key = f"adjudicate.flag.{one['rating_id']}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reason = st.text_input(_("What came of it"), key=f"{key}.reason")
        pressed = st.button(_("Close the flag"), key=f"{key}.close", icon=":material/flag_check:")
    if pressed:
        with session.refusing():
            flags.close(session.conn(), one["rating_id"], by=session.person(), reason=reason)
            session.keep_message(N_("The flag is closed. The rating stays as it is."))
            st.rerun()


def show_closed(found: Sequence[dict[str, Any]]) -> None:
    """The flags that were closed, with what came of each."""
    if not found:
        return
    who = persons.names()
    with st.expander(_("Flags that were closed: %(count)s", count=len(found))):
        for one in parts.paged(found, "adjudicate.flags.closed", 5):
            _words.texts(one["input"], one["text"])
            said = {"rater": who[one["rater"]], "name": who[one["closed_by"]], "when": parts.moment(one["closed_at"])}
            st.caption(_("flagged by %(rater)s, closed by %(name)s on %(when)s", **said))
            parts.text(one["reason"])
