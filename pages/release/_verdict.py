"""The one sentence of a proof. Green means that both halves are shown, and nothing else is green."""

import streamlit as st

from core.diagnosis.verdicts import Proof
from pages._ui.session import _


def show(proof: Proof, *, big: bool = False) -> None:
    """The sentence with its colour, and never the colour alone."""
    sentence = _(proof.sentence.message, **proof.sentence.values)
    text = f"### {sentence}" if big else sentence
    if proof.passed:
        st.success(text, icon=":material/check_circle:")
    else:
        st.warning(text, icon=":material/info:")
