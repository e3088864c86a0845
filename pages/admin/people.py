"""People: who may sign in, and in which roles."""

import streamlit as st

from core.access import people, roles
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain

ROLES = {
    "expert": (N_("Expert"), N_("rates and corrects answers")),
    "approver": (N_("Approver"), N_("approves samples for training")),
    "manager": (N_("Manager"), N_("reads everything")),
    "operator": (N_("Operator"), N_("looks after tasks, eval sets, prompts, models, runs and training")),
    "admin": (N_("Admin"), N_("looks after people")),
}

conn, person = session.conn(), session.person()
st.title(_("People"))
if not roles.may(person, "people.manage"):
    held = " · ".join(plain(ROLES[role][0]) for role in roles.ROLES if role in person.roles)
    st.info(_("Your roles: %(roles)s. Only an admin sees the other people and adds new ones.", roles=held))
    st.stop()

st.dataframe(
    [
        {
            plain("Name"): one.name,
            plain("Roles"): " · ".join(plain(ROLES[role][0]) for role in roles.ROLES if role in one.roles),
        }
        for one in people.everyone(conn)
    ],
    hide_index=True,
)

st.subheader(_("Add a person"))
form = parts.fresh("people.new")
with st.form(form):
    name = st.text_input(_("Name"), key=f"{form}.name", help=_("They sign in with this name."))
    password = st.text_input(
        _("Password"),
        type="password",
        key=f"{form}.password",
        autocomplete="new-password",
        help=_("At least %(shortest)s characters; three or four words will do.", shortest=people.SHORTEST_PASSWORD),
    )
    held = st.pills(
        _("Roles"),
        roles.ROLES,
        selection_mode="multi",
        format_func=lambda role: plain(ROLES[role][0]),
        key=f"{form}.roles",
    )
    st.caption("  \n".join(f"**{_(name)}** {_(what)}" for name, what in ROLES.values()))
    added = st.form_submit_button(_("Add"), type="primary", key=f"{form}.add")
if added:
    with session.refusing():
        new = people.create(conn, name=name, password=password, roles_held=held, by=person)
        parts.renew("people.new")
        session.keep_message(N_("%(name)s can sign in now. Tell them the password in person."), name=new.name)
        st.rerun()
