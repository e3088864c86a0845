"""Trained models: the card of each, its files for other programs, and trials side by side."""

import streamlit as st

from core.training import cards, trials
from pages._ui import parts, session
from pages._ui.session import _
from pages.training import _again, _card, _compare, _files

task = session.task()
st.title(_("Trained models"))
st.caption(_("What each trial fine-tune made: what it learned from, how, and its files for other programs."))
made = [trial for trial in trials.of_task(session.conn(), task.task_id) if trial["model_id"]]
if not made:
    st.info(_("No trial of this task has made a model yet."))
    parts.link("training/trial.py", _("Go to Trial fine-tune"), "model_training")
    st.stop()
names = {trial["model_id"]: trial["model_name"] for trial in made}
chosen = st.selectbox(_("Model"), list(names), format_func=names.__getitem__, key="trained.model")
card = cards.find(session.conn(), chosen)
assert card is not None, "a trial that has made a model has a card"
_card.show(card)
_again.offer(card)
_files.show(card)
if len(made) > 1:
    _compare.show(made)
