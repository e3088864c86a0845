"""People: one's own account, and for admins who may sign in, in which roles."""

import streamlit as st

from core.access import accounts, people, roles
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.admin import _account, _failures, _roles

conn, person = session.conn(), session.person()
st.title(_("People"))
_account.show()
if not roles.may(person, "people.manage"):
    held = _roles.names(person.roles)
    st.info(_("Your roles: %(roles)s. Only an admin sees the other people and adds new ones.", roles=held))
    st.stop()

st.subheader(_("Everybody"))
known = accounts.everyone(conn, by=person)
st.dataframe(
    [
        {
            plain("Name"): one["name"],
            plain("Roles"): _roles.names(one["roles"]),
            plain("State"): plain("active") if one["active"] else plain("deactivated"),
            plain("Signs in with"): plain("password") if one["local"] else plain("company account"),
        }
        for one in known
    ],
    hide_index=True,
)
_account.manage(known)
_failures.show()

st.subheader(_("Add a person"))
form = parts.fresh("people.new")
with st.form(form):
    name = st.text_input(_("Name"), key=f"{form}.name", help=_("They sign in with this name."))
    password = _account.new_password(_("Password"), f"{form}.password")
    held = _roles.choose(f"{form}.roles", ())
    st.caption("  \n".join(f"**{_(name)}** {_(what)}" for name, what in _roles.ROLES.values()))
    added = st.form_submit_button(_("Add"), type="primary", key=f"{form}.add")
if added:
    with session.refusing():
        new = people.create(conn, name=name, password=password, roles_held=held, by=person)
        parts.renew("people.new")
        session.keep_message(N_("%(name)s can sign in now. Tell them the password in person."), name=new.name)
        st.rerun()
