"""Buttons with keys in the plain forms: what came too soon to be meant does not count, and the rater is told."""

import time
from collections.abc import Callable

import streamlit as st

from core.errors import Refusal
from core.locale.mark import N_
from pages._ui.session import _


def button(form: str, what: str, about: str, label: str, key: str, icon: str | None, act: Callable[[], object]) -> None:
    """A button of the form about one answer or pair, pressed by mouse or by its key."""
    st.button(label, key=f"{form}.{what}.{about}", shortcut=key, icon=icon and f":material/{icon}:", on_click=act)


def undo(form: str, about: str, act: Callable[[], object], *, disabled: bool = False) -> None:
    """The button that takes the last judgement back."""
    st.button(
        _("Undo"),
        key=f"{form}.undo.{about}",
        shortcut="U",
        icon=":material/undo:",
        type="tertiary",
        disabled=disabled,
        on_click=act,
    )


def too_soon(form: str, least_s: float) -> bool:
    """Whether this press follows the one before too closely; each press counts, so a held key stays too soon."""
    now = time.monotonic()
    before, st.session_state[f"{form}.pressed"] = st.session_state.get(f"{form}.pressed", -least_s), now
    if now - float(before) >= least_s:
        return False
    refuse(form, Refusal(N_("That came too soon after the press before, so it did not count. Press again.")))
    return True


def refuse(form: str, refusal: Refusal) -> None:
    """Keep it for `show_refused`: a callback cannot write at the right place."""
    st.session_state[f"{form}.refused"] = refusal


def show_refused(form: str) -> None:
    """Say once why the last press did not count."""
    if (refused := st.session_state.pop(f"{form}.refused", None)) is not None:
        st.error(_(refused.message, **refused.values))
