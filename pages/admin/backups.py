"""Backups: make one, see which there are, hold one against its hashes, and read how to bring it back."""

from datetime import datetime

import streamlit as st

from core.access import roles
from core.locale.mark import N_
from core.store import copies
from core.upkeep import backups
from pages._ui import parts, session
from pages._ui.session import _, plain

conn, person, settings = session.conn(), session.person(), session.settings()
st.title(_("Backups"))
st.markdown(
    _("A backup is a folder: the database as it was at one moment, tuned models, releases and jobs, with the hash of "
      "every file. People go on working while it is made.")
)  # fmt: skip
if not roles.may(person, "backup.make"):
    st.info(_("Only an admin makes backups."))
    st.stop()
if st.button(_("Make a backup now"), type="primary", icon=":material/save:", key="backups.make"):
    with session.refusing():
        with st.spinner(_("Copying; others may go on working.")):
            made = backups.make(conn, settings, by=person)
        session.keep_message(N_("Backed up as %(name)s: %(rows)s rows."), name=made.folder.name, rows=made.rows)
        st.rerun()
st.caption(_("They are kept here; copy them to another machine as well:"))
parts.text(str(settings.backups))

known = backups.everything(settings)
if not known:
    st.info(_("There is no backup yet."))
else:
    st.dataframe(
        [
            {
                plain("Made"): parts.moment(datetime.fromisoformat(one.made_at)),
                plain("Name"): one.folder.name,
                plain("Rows"): one.rows,
                plain("Newest audit entry"): one.seq,
                plain("Size"): f"{one.size / 1_000_000:.1f} MB",
            }
            for one in known
        ],
        hide_index=True,
        key="backups.table",
    )
    names = {one.folder.name: one for one in known}
    chosen = parts.select(_("Backup"), list(names), key="backups.chosen")
    if st.button(_("Check every byte of it"), key="backups.check"):
        with session.refusing():
            copies.check(names[chosen])
            st.success(
                _("%(name)s is as it was written: %(files)s files.", name=chosen, files=len(names[chosen].files))
            )
    st.subheader(_("Bring it back"))
    st.markdown(
        _("Stop Countersign and run this. What is in the data folder now is moved aside and stays; the restore proves "
          "row counts and the head of the audit trail, and says so.")
    )  # fmt: skip
    parts.text(f"python -m core restore {names[chosen].folder} --aside")
with st.expander(_("Every night by itself"), icon=":material/schedule:"):
    st.markdown(_("Let the machine's scheduler run this; it works while Countersign runs, and while it does not."))
    parts.text("python -m core backup /another/disk")
