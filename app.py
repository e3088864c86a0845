"""Countersign's front door: `streamlit run app.py`. Start-up, sign-in and the gate; the pages begin in main.py."""

import sys

import streamlit as st

from core.errors import Refusal
from core.store import anchors
from pages._ui import company, entrance, gate, state, trail_file

try:
    state.provider()
    state.database()  # before the server starts, so that a second one on the same data folder ends with a sentence
except anchors.Damaged:
    pass  # the gate lets nobody pass and shows what is missing
except Refusal as refusal:
    sys.exit(str(refusal))

routes = [*entrance.routes, *company.routes, *trail_file.routes]
app = st.App("pages/_ui/main.py", lifespan=entrance.lifespan, routes=routes, middleware=gate.middleware)
