"""Models that are offered no more: how one is retired, and how it comes back."""

import streamlit as st

from core.access import roles
from core.evaluation import retirements
from core.evaluation.models import Model
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _words


def offer(model: Model) -> None:
    """The button that retires the model, for those who may."""
    if not roles.may(session.person(), "model.manage"):
        return
    if st.button(
        _("Retire this model"),
        icon=":material/archive:",
        help=_("It is offered nowhere any more. What it answered stays, and it can be brought back below the list."),
        key=f"models.retire.{model.model_id}",
    ):
        with session.refusing():
            retirements.retire(session.conn(), by=session.person(), model_id=model.model_id)
            session.keep_message(N_("“%(name)s” is retired. It can be brought back below the list."), name=model.name)
            st.rerun()


def show() -> None:
    """Those that are retired, and the way back."""
    gone = retirements.everything(session.conn())
    if not gone:
        return
    with st.expander(_("Retired models (%(count)s)", count=len(gone)), icon=":material/archive:"):
        for one in gone:
            left, right = st.columns([4, 1], vertical_alignment="center")
            with left:
                parts.text(f"{one.name}\n{one.path or f'{one.base_url} · {one.api_model}'}")
                st.caption(plain(_words.MODEL_KINDS[one.kind]))
            if roles.may(session.person(), "model.manage") and right.button(
                _("Bring back"), key=f"models.restore.{one.model_id}"
            ):
                with session.refusing():
                    retirements.restore(session.conn(), by=session.person(), model_id=one.model_id)
                    session.keep_message(N_("“%(name)s” is offered again."), name=one.name)
                    st.rerun()
