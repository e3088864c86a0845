"""The mark on models that learned from samples whose approval was withdrawn, as several pages show it."""

import streamlit as st

from core.training import withdrawals
from pages._ui import parts, persons, session
from pages._ui.session import _


def show(model_id: str | None, name: str) -> None:
    """Nothing, unless the model learned such a sample, itself or through a model that it was made from."""
    rows = withdrawals.by_model(session.conn()).get(model_id or "", [])
    if not rows:
        return
    words = _("%(model)s learned from %(count)s samples whose approval was withdrawn.", model=name, count=len(rows))
    who = persons.names()
    with st.expander(words, icon=":material/warning:"):
        for one in rows:
            values = {"key": one["key"], "name": who[one["decided_by"]], "when": parts.moment(one["decided_at"])}
            if one["learned_by"] == name:
                st.caption(_("%(key)s, withdrawn by %(name)s on %(when)s", **values))
            else:
                words = _("%(key)s, withdrawn by %(name)s on %(when)s; learned by %(model)s, which this was made from",
                          model=one["learned_by"], **values)  # fmt: skip
                st.caption(words)
            parts.text(one["reason"])
