"""Releases: what answers in production, moving it by signature, the way back, and what business systems need."""

import streamlit as st

from core.release import releases
from pages._ui import session
from pages._ui.session import _
from pages.release import _inventory, _move, _serving, _timeline

task = session.task()
conn = session.conn()
st.title(_("Releases"))
st.markdown(
    _("A release is a signed decision as a folder: prompt, model and settings, with the hash of every file. "
      "Business systems ask for “production” or “candidate”; only a signature moves these names.")
)  # fmt: skip
for alias in releases.ALIASES:
    _move.show(task.task_id, alias)
_timeline.show(task.task_id)
_move.history(task.task_id)
_serving.show(task)
_inventory.show()
