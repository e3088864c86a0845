"""A sign-off on the page: put it up, sign it, and what became of it."""

from datetime import timedelta

import streamlit as st

from core.access import roles
from core.locale.mark import N_
from core.release import certificates, involvement, records, sign_offs, signatures
from core.release.sign_offs import SignOff
from core.store import database
from pages._ui import parts, persons, session, state
from pages._ui.session import _, plain
from pages.release import _signing, _stale

STATES = {
    "open": N_("waits for signatures"),
    "approved": N_("approved"),
    "overridden": N_("approved against the gate"),
    "rejected": N_("rejected"),
    "insufficient": N_("not enough evidence"),
}
DECISIONS = {
    "approved": N_("Approve"),
    "overridden": N_("Override the gate"),
    "rejected": N_("Reject"),
    "insufficient": N_("Not enough evidence"),
}
REASONS = {
    "requester": N_("asked for this sign-off"),
    "trainer": N_("started a training that is in it, or put it up as a candidate"),
    "main_rater": N_("gave more than a third of the ratings"),
}
VALID_DAYS = 180
OVERRIDDEN = N_("The gate was not passed. Two people overrode it; this stays marked wherever it is used.")


def request(trial_id: str) -> None:
    """The form that puts the trial up for decision."""
    st.subheader(_("Put it up for sign-off"))
    if not roles.may(session.person(), "sign_off.request"):
        st.info(_("Operators put trials up for sign-off."))
        return
    with st.form("sign_off.request"):
        scope = st.text_area(_("What it may be used for"), key="sign_off.scope", height=80)
        until = st.date_input(
            _("Valid until"), database.now().date() + timedelta(days=VALID_DAYS), key="sign_off.until"
        )
        asked = st.form_submit_button(_("Put it up for sign-off"), type="primary", key="sign_off.ask")
    if asked:
        with session.refusing():
            sign_offs.request(session.conn(), trial_id, by=session.person(), scope=scope, expires_on=until)
            session.keep_message(N_("It is put up. An approver who was not involved can sign now."))
            st.rerun()


def show(case: SignOff) -> None:
    """The case, its signatures and, while it is open, the form to sign."""
    conn = session.conn()
    now = sign_offs.state(conn, case)
    st.subheader(_("Sign-off %(number)s: %(state)s", number=case.number, state=_word(STATES[now])))
    if now == "overridden":
        st.error(_(OVERRIDDEN))
    _stale.show(case)
    st.markdown(_("Valid for:"))
    parts.text(case.scope)
    name = persons.name(case.requested_by)
    st.caption(
        _("Asked for by %(name)s on %(when)s; valid until %(day)s. Hash of the evidence: `%(digest)s`",
          name=name, when=parts.moment(case.requested_at), day=case.expires_on, digest=case.digest)
    )  # fmt: skip
    if found := signatures.of(conn, "sign_off", case.sign_off_id):
        _signing.show(found)
    _certificate(case)
    if now == "open":
        _sign(case)


def _certificate(case: SignOff) -> None:
    """The decision as files: made when they are asked for, in the reader's language."""
    language, sign_off_id = session.language(), case.sign_off_id

    def page() -> str:
        return certificates.html(records.collect(state.conn(), sign_off_id), language)

    def printed() -> bytes:
        return certificates.pdf(page()) or b""

    def workbook() -> bytes:
        return records.workbook(records.collect(state.conn(), sign_off_id))

    def signed() -> bytes:
        return records.signatures_csv(records.collect(state.conn(), sign_off_id))

    def data() -> str:
        return records.exported(records.collect(state.conn(), sign_off_id))

    name = f"sign-off-{case.number}"
    with st.container(horizontal=True):
        for label, made, ending in (
            (_("Certificate (HTML)"), page, "html"),
            (_("Certificate (PDF)"), printed, "pdf"),
            (_("Evidence (XLSX)"), workbook, "xlsx"),
            (_("Signatures (CSV)"), signed, "csv"),
            (_("Record (JSON)"), data, "json"),
        ):
            if ending != "pdf" or certificates.browser():
                st.download_button(
                    label, made, file_name=f"{name}.{ending}", on_click="ignore", icon=":material/download:",
                    key=f"sign_off.{ending}.{sign_off_id}",
                )  # fmt: skip


def _sign(case: SignOff) -> None:
    person = session.person()
    if not roles.may(person, "sign_off.sign"):
        st.info(_("Approvers and managers sign. Ask one who was not involved."))
        return
    involved = involvement.of(session.conn(), case.trial_id, case.requested_by)
    if mine := involved.get(person.person_id):
        why = " · ".join(plain(REASONS[reason]) for reason in mine)
        st.warning(_("You may sign, but not alone, because you: %(why)s.", why=why))
    choices = [one for one in DECISIONS if one != ("overridden" if case.findings["passed"] else "approved")]
    chosen = st.segmented_control(
        _("Decision"),
        choices,
        format_func=lambda one: plain(DECISIONS[one]),
        key=f"sign_off.decision.{case.sign_off_id}",
    )
    if chosen is None:
        st.caption(_("Choose a decision; then sign it."))
        return
    with session.refusing():
        key = f"sign_off.sign.{case.sign_off_id}"
        subject = sign_offs.form(case.sign_off_id, chosen)
        signing = _signing.form(key, subject=subject, digest=case.digest, label=_("Sign"))
        if signing is not None:
            after = sign_offs.sign(session.conn(), case.sign_off_id, chosen, signing, by=person)
            words = N_("Signed. A second signature is needed before it counts.") if after == "open" else N_("Signed.")
            _signing.signed(key, words)


def _word(label: str) -> str:
    return plain(label)
