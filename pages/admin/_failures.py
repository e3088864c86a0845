"""Failed attempts to sign in or to sign, for admins: who is being guessed at, and who has to wait."""

import streamlit as st

from core.access import accounts, haste
from core.locale.mark import N_
from pages._ui import parts, persons, session
from pages._ui.session import _, plain

ACTS = {"sign_in.failed": N_("Sign-in failed"), "confirmation.failed": N_("Signature not confirmed")}


def show() -> None:
    """Who has to wait now, and the failures of the last month."""
    conn, by = session.conn(), session.person()
    st.subheader(_("Failed attempts"))
    known, unknown = accounts.slowed(conn, by=by)
    _locked()
    who = persons.names()
    if known:
        names = ", ".join(who[one] for one in known)
        st.warning(_("Three wrong tries or more in the last quarter of an hour: %(names)s. Each further one has to "
                     "wait, twice as long every time, up to a minute.", names=names))  # fmt: skip
    if unknown:
        st.warning(_("Names that nobody has were tried three times or more, too: %(count)s of them.", count=unknown))
    found = accounts.failures(conn, by=by)
    if not found:
        st.caption(_("None in the last 30 days."))
        return
    st.dataframe(
        [
            {
                plain("When"): parts.moment(one["happened_at"]),
                plain("What"): _word(str(one["act"])),
                plain("Who"): plain("unknown name") if one["subject"] == "unknown name" else who[str(one["subject"])],
                plain("Why"): str(one["why"]) or plain("wrong password"),
            }
            for one in found
        ],
        hide_index=True,
        key="people.failures",
    )


def _locked() -> None:
    """Accounts that are locked, each with the way to open it again."""
    conn, by = session.conn(), session.person()
    known, unknown = accounts.locked(conn, by=by)
    who = persons.names()
    for person_id, until in known.items():
        words = _("Locked after %(count)s wrong passwords in a row, until %(when)s: %(name)s",
                  count=haste.LOCKED_AFTER, when=parts.moment(until), name=who[person_id])  # fmt: skip
        st.error(words, icon=":material/lock:")
        if st.button(_("Unlock %(name)s", name=who[person_id]), key=f"people.unlock.{person_id}"):
            with session.refusing():
                accounts.unlock(conn, person_id, by=by)
                session.keep_message(N_("The account is unlocked; the person can try again now."))
                st.rerun()
    if unknown:
        st.warning(_("Names that nobody has are locked, too: %(count)s of them.", count=unknown))


def _word(act: str) -> str:
    words = ACTS[act]
    return plain(words)
