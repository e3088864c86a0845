"""The form that is signed: a reason and, at that moment, the proof of who signs; and how signatures are shown."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.access import people
from core.release import signatures
from core.release.signatures import Signing
from pages._ui import parts, session
from pages._ui.session import _, plain


def meaning(one: dict[str, str]) -> str:
    """What was declared, in the reader's language."""
    words = signatures.MEANINGS[one["meaning"]]
    return plain(words)


def form(key: str, *, subject: str, digest: str, label: str) -> Signing | None:
    """What was typed, once the button is pressed. The form is good for this person, this content and one use."""
    held = f"{key}.challenge"
    if st.session_state.get(held, ("", ""))[:2] != (subject, digest):
        token = signatures.challenge(session.conn(), by=session.person(), subject=subject, digest=digest)
        st.session_state[held] = (subject, digest, token)
    person, what = session.person(), signatures.form_name(st.session_state[held][2])
    local = people.has_password(session.conn(), person.person_id)
    if not local:
        parts.confirmation(person.name, what)
    prefix = parts.fresh(key)
    with st.form(prefix):
        reason = st.text_area(
            _("Reason"), key=f"{prefix}.reason", height=80, help=_("It stands beside your name for good.")
        )
        password = _password(person.name, prefix) if local else ""
        pressed = st.form_submit_button(label, type="primary", key=f"{prefix}.sign", icon=":material/draw:")
    if not pressed:
        return None
    if not local and not people.confirmed(session.conn(), person, what):
        st.error(_(people.FIRST))  # and the form stays good: its name is what will be confirmed
        return None
    token = st.session_state.pop(held)[2]
    return Signing(password=password, challenge=token, reason=reason, zone=st.context.timezone or "UTC")


def _password(name: str, prefix: str) -> str:
    st.caption(_("You sign as **%(name)s**. Your password shows that it is you.", name=name))
    return st.text_input(_("Password"), type="password", key=f"{prefix}.password", autocomplete="current-password")


def signed(key: str, message: str, **values: Any) -> None:
    """After a signature: empty the form, say so, and draw the page anew."""
    parts.renew(key)
    session.keep_message(message, **values)
    st.rerun()


def show(found: Sequence[dict[str, Any]]) -> None:
    """Name, meaning, reason, and time in UTC and on the signer's clock of each, whole and in the order of signing."""
    for one in map(signatures.shown, found):
        with st.container(border=True):
            st.markdown(_("**%(name)s** has signed: %(meaning)s", name=one["name"], meaning=meaning(one)))
            parts.text(one["reason"])
            st.caption(_("%(utc)s · on the signer's clock %(local)s", utc=one["utc"], local=one["local"]))
