"""One more seed: how much of a trial's result is luck."""

import streamlit as st

from core.access import roles
from core.locale.mark import N_
from core.training import trials
from core.training.cards import Card
from pages._ui import session
from pages._ui.session import _


def offer(card: Card) -> None:
    """Train once more with another seed, all else equal."""
    if not roles.may(session.person(), "train.start"):
        return
    pressed = st.button(
        _("Train again with another seed"),
        icon=":material/casino:",
        help=_("The same samples, settings and proof; only chance begins elsewhere. Two results that differ much are "
               "worth less than each of them says. They stand side by side below when the second is done."),
        key=f"again.{card.model.model_id}",
    )  # fmt: skip
    if pressed:
        with session.refusing():
            trials.repeat(session.conn(), by=session.person(), trial_id=card.trial["trial_id"])
            session.keep_message(N_("The trial has begun. You may close this page; it goes on by itself."))
            st.rerun()
