"""Models: those that are registered, what each is and may, and the ways to add one."""

import streamlit as st

from core.access import roles
from core.evaluation import models
from core.training import withdrawals
from pages._ui import parts, session, withdrawn
from pages._ui.session import _, plain
from pages.evaluation import _add_model, _model_card, _retired, _words

conn, person = session.conn(), session.person()
st.title(_("Models"))
st.caption(_("What answers the questions: a model on this machine, a server, or one that was fine-tuned here."))
known = models.offered(conn)
marked = withdrawals.by_model(conn)
names = {one.model_id: one.name for one in models.everything(conn)}
if known:
    ticked = st.dataframe(
        [
            {
                plain("Model"): one.name,
                plain("Kind"): plain(_words.MODEL_KINDS[one.kind]),
                plain("Made from"): names.get(one.base_model_id or "", ""),
                plain("Where"): one.path or f"{one.base_url} · {one.api_model}",
                plain("Version"): one.model_id.rpartition("-")[2][:8],
                **({plain("Withdrawn samples"): len(marked.get(one.model_id, ()))} if marked else {}),
            }
            for one in known
        ],
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="models.known",
    )
    st.caption(
        _("Tick a model at its left edge to see its files, or to test an endpoint and set its prices and limits.")
    )
    for place in ticked["selection"]["rows"][:1]:
        with st.container(border=True):
            _model_card.show(known[place])
else:
    st.info(_("There is no model yet. The starter model is the quickest way to begin."))
for model_id in marked:
    withdrawn.show(model_id, names[model_id])
_retired.show()

st.subheader(_("Add a model"))
if not roles.may(person, "model.manage"):
    st.caption(_("An operator can add models."))
    st.stop()
ways = {
    "starter": plain("Starter model"),
    "hub": plain("Name on a hub"),
    "folder": plain("Model folder"),
    "api": plain("API endpoint"),
}
way = parts.view(_("Way"), ways, "models.way")
if way == "starter":
    _add_model.fetch_starter()
elif way == "hub":
    _add_model.from_hub()
elif way == "folder":
    _add_model.from_folder(known)
else:
    _add_model.endpoint()
