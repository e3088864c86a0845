"""Whether an endpoint answers, asked when somebody wants to know."""

import streamlit as st

from pages._ui import session
from pages._ui.session import _


def check(base_url: str, api_model: str, key_env: str | None) -> None:
    """Ask it, and say that it answers or what is wrong."""
    from core.generation import remote  # its client takes a second to load, and only this button needs it

    with session.refusing():
        with st.spinner(_("Asking the server…")):
            remote.check(base_url, api_model, key_env)
        st.success(_("The server answers."))
