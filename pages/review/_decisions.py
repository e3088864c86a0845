"""The samples that wait for a decision, and those that are approved, page by page."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.access import roles
from core.locale.mark import N_
from core.review import approvals, obstacles
from core.review.obstacles import Obstacle
from pages._ui import parts, persons, session
from pages._ui.session import _
from pages.review import _words

A_PAGE = 25
AGAINST = {
    "locked": N_(
        "Cannot be approved: the locked sample %(key)s asks nearly the same (%(likeness)s%% alike), so nothing "
        "could be proven with it any more."
    ),
    "repeated": N_("Cannot be approved: it repeats the sample %(key)s (%(likeness)s%% alike). Once is enough."),
}


def show_waiting(task_id: str, waiting: Sequence[dict[str, Any]]) -> None:
    """A page of candidates to choose from, and what to do with the chosen."""
    if not waiting:
        st.info(_("Nothing waits for a decision. Passed and corrected answers to train samples come here."))
        parts.link("review/rate.py", _("Go to Rate"), "rate_review")
        return
    may = roles.may(session.person(), "approve")
    if not may:
        st.info(_("You can read this list. Approvers decide about it."))
    page = parts.paged(waiting, "approvals.page", A_PAGE)
    against = obstacles.of(session.conn(), task_id, page)
    chosen = [row["sample_id"] for row in page if _candidate(row, against.get(row["sample_id"]), may)]
    if may:
        _decide(task_id, [row["sample_id"] for row in page], chosen, set(against))


def _candidate(row: dict[str, Any], obstacle: Obstacle | None, may: bool) -> bool:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            chosen = may and st.checkbox(_("Choose"), key=f"approvals.choose.{row['sample_id']}")
            _origin(row)
            st.caption(" · ".join(part for part in (_judged(row), _words.origin(row)) if part))
        _texts(row)
        if obstacle is not None:
            words = AGAINST[obstacle.kind]
            st.warning(_(words, key=obstacle.key, likeness=round(obstacle.likeness)))
            parts.text(obstacle.input)
    return chosen


def _judged(row: dict[str, Any]) -> str:
    if row["decided"]:
        return _("decided by %(name)s", name=persons.name(row["rater"]))
    if row["passed"] > 1:
        return _("passed by %(count)s raters", count=row["passed"])
    if row["corrections"] > 1:
        return _(
            "corrected in %(count)s ways; the newest is of %(name)s",
            count=row["corrections"],
            name=persons.name(row["rater"]),
        )
    return _("rated by %(name)s", name=persons.name(row["rater"]))


def _origin(row: dict[str, Any]) -> None:
    if row["origin"] == "corrected":
        st.badge(_("corrected"), icon=":material/edit:", color="blue")
    else:
        st.badge(_("as it is"), icon=":material/check:", color="gray")


def _texts(row: dict[str, Any]) -> None:
    with _words.texts(row["input"], row["completion"], _("To be learned")):
        if row["origin"] == "corrected":
            st.caption(_("The answer before it was corrected"))
            parts.text(row["answer"])


def _decide(task_id: str, page: Sequence[str], chosen: Sequence[str], against: set[str]) -> None:
    person = session.person()
    seen = approvals.seen(session.conn(), person, task_id)
    free = [sample for sample in page if sample not in against]
    # A new page has a new key, so that nobody has looked at it yet.
    looked = st.checkbox(
        _("I have looked at these"), value=seen >= set(page), key=f"approvals.looked.{page[0]}.{len(page)}"
    )
    if looked and not seen >= set(page):
        approvals.look(session.conn(), by=person, task_id=task_id, sample_ids=page)
    note = st.text_input(_("Reason for the approval (may stay empty)"), key="approvals.note", width=480)
    with st.container(horizontal=True):
        everything = st.button(
            _("Approve all %(count)s on this page", count=len(free)),
            key="approvals.all",
            type="primary",
            disabled=not (looked and free),
        )
        some = st.button(
            _("Approve the chosen (%(count)s)", count=len(chosen)),
            key="approvals.some",
            disabled=not (looked and chosen),
        )
        with st.popover(_("Reject the chosen (%(count)s)", count=len(chosen)), disabled=not chosen):
            reason = st.text_input(_("What is wrong with them?"), key="approvals.reason")
            rejected = st.button(_("Reject %(count)s", count=len(chosen)), key="approvals.reject")
    if some or everything:
        _save(task_id, free if everything else chosen, "approved", N_("%(count)s samples are approved."), note)
    elif rejected:
        _save(task_id, chosen, "rejected", N_("%(count)s samples are rejected."), reason)


def _save(task_id: str, sample_ids: Sequence[str], decision: str, message: str, reason: str = "") -> None:
    with session.refusing():
        count = approvals.decide(
            session.conn(),
            by=session.person(),
            task_id=task_id,
            sample_ids=sample_ids,
            decision=decision,
            reason=reason,
        )
        session.keep_message(message, count=count)
        st.rerun()


def show_approved(task_id: str, approved: Sequence[dict[str, Any]]) -> None:
    """A page of approved samples, the newest first, each with its withdrawal."""
    if not approved:
        st.info(_("Nothing is approved yet."))
    may = roles.may(session.person(), "approve")
    for row in parts.paged(approved[::-1], "approvals.approved", A_PAGE):
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                _origin(row)
                when = parts.moment(row["decided_at"])
                said = _("approved by %(name)s on %(when)s", name=persons.name(row["decided_by"]), when=when)
                st.caption(" · ".join(part for part in (said, _words.origin(row)) if part))
                if may:
                    _withdrawal(task_id, row["sample_id"])
            _texts(row)
            if row["reason"]:
                st.caption(_("Reason"))
                parts.text(row["reason"])


def _withdrawal(task_id: str, sample_id: str) -> None:
    with st.popover(_("Withdraw"), type="tertiary"):
        reason = st.text_input(_("What is wrong with it?"), key=f"approvals.why.{sample_id}")
        if not st.button(_("Withdraw the approval"), key=f"approvals.withdraw.{sample_id}"):
            return
        with session.refusing():
            approvals.withdraw(session.conn(), by=session.person(), task_id=task_id, sample_id=sample_id, reason=reason)
            session.keep_message(
                N_(
                    "The approval is withdrawn. Training sets frozen before keep the sample; models trained on it "
                    "are marked."
                )
            )
            st.rerun()
