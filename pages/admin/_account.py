"""Accounts: everybody changes their own password; admins change roles, end accounts and help who forgot."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.access import accounts, people
from core.access.people import Person
from core.locale.mark import N_
from pages._ui import session
from pages._ui.session import _
from pages.admin import _roles


def new_password(label: str, key: str) -> str:
    """A field for a password that is chosen now."""
    return st.text_input(
        label,
        type="password",
        key=key,
        autocomplete="new-password",
        help=_("At least %(shortest)s characters; three or four words will do.", shortest=people.SHORTEST_PASSWORD),
    )


def show() -> None:
    """One's own password and sessions."""
    person = session.person()
    if not people.has_password(session.conn(), person.person_id):
        _of_the_company(person)
        return
    with st.expander(_("My password and sessions"), icon=":material/key:"):
        with st.form("people.password"):
            old = st.text_input(
                _("Your password now"), type="password", key="people.old", autocomplete="current-password"
            )
            new = new_password(_("New password"), "people.new_password")
            again = new_password(_("New password again"), "people.again")
            changed = st.form_submit_button(_("Change my password"), key="people.change")
        st.caption(_("All your sessions end then, on every device; sign in again with the new one."))
        ended = st.button(_("Sign out everywhere"), key="people.everywhere")
    with session.refusing():
        if changed and new != again:
            st.error(_("The two passwords differ. Type the same one twice."))
        elif changed:
            accounts.change_password(session.conn(), by=person, old=old, new=new)
            st.rerun()
        elif ended:
            accounts.sign_out_everywhere(session.conn(), by=person)
            st.rerun()


def _of_the_company(person: Person) -> None:
    with st.expander(_("My sessions"), icon=":material/key:"):
        st.caption(_(people.COMPANYS))
        if st.button(_("Sign out everywhere"), key="people.everywhere"):
            accounts.sign_out_everywhere(session.conn(), by=person)
            st.rerun()


def manage(known: Sequence[dict[str, Any]]) -> None:
    """Roles, end and return of one account, and a new password for somebody who forgot theirs."""
    with st.expander(_("Change somebody's account"), icon=":material/manage_accounts:"):
        one = st.selectbox(_("Person"), known, format_func=lambda one: str(one["name"]), key="people.one")
        person_id = str(one["person_id"])
        held = _roles.choose(f"people.held.{person_id}", one["roles"])
        with st.container(horizontal=True):
            saved = st.button(_("Save roles"), key=f"people.save.{person_id}")
            if one["active"]:
                switched = st.button(_("Deactivate"), key=f"people.deactivate.{person_id}")
            else:
                switched = st.button(_("Let them sign in again"), key=f"people.reactivate.{person_id}")
        given, gave = "", False
        if one["local"]:
            given = new_password(_("A new password for them"), f"people.given.{person_id}")
            gave = st.button(_("Give this password"), key=f"people.give.{person_id}", disabled=not given)
        else:
            st.caption(_("They sign in with the company's account. Where its groups give roles, the next sign-in sets "
                         "them again."))  # fmt: skip
    with session.refusing():
        _act(person_id, saved=saved and held, switched=switched, active=bool(one["active"]), given=gave and given)


def _act(person_id: str, *, saved: Any, switched: bool, active: bool, given: Any) -> None:
    conn, by = session.conn(), session.person()
    if saved:
        accounts.set_roles(conn, person_id, saved, by=by)
    elif switched and active:
        accounts.deactivate(conn, person_id, by=by)
    elif switched:
        accounts.reactivate(conn, person_id, by=by)
    elif given:
        accounts.give_password(conn, person_id, given, by=by)
    else:
        return
    session.keep_message(N_("The account is changed; it counts from now on."))
    st.rerun()
