"""How an endpoint is reached, for somebody who mistyped it."""

import streamlit as st

from core.evaluation import endpoints
from core.evaluation.models import Model
from core.locale.mark import N_
from pages._ui import session
from pages._ui.session import _


def show(model: Model) -> None:
    """Address, model and key of a registered endpoint, to be corrected."""
    key = f"models.reach.{model.model_id}"
    with st.expander(_("Correct address or key"), icon=":material/edit:"), st.form(key, border=False):
        base_url = st.text_input(_("Address"), model.base_url or "", key=f"{key}.url").strip()
        api_model = st.text_input(_("Model, as the server calls it"), model.api_model or "", key=f"{key}.model").strip()
        key_env = st.text_input(
            _("Name of the environment variable that holds the key"),
            model.key_env or "",
            help=_("Never the key itself. Leave it empty if the server wants none."),
            key=f"{key}.key_env",
        ).strip()
        st.caption(
            _(
                "The key's name is changed for this model. Another address or model name is another version: it is "
                "added with the same prices and limits, and answers stay with the one that gave them. If this one was "
                "never asked anything, it is retired."
            )
        )
        saved = st.form_submit_button(_("Save"), key=f"{key}.save")
    if saved:
        with session.refusing():
            now = endpoints.correct(
                session.conn(),
                by=session.person(),
                model_id=model.model_id,
                base_url=base_url,
                api_model=api_model,
                key_env=key_env,
            )
            if now.model_id == model.model_id:
                session.keep_message(N_("The endpoint is corrected."))
            else:
                session.keep_message(N_("The model “%(name)s” is registered."), name=now.name)
            st.rerun()
