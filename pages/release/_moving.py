"""The two moves of an alias that a signature makes: to what was approved, and back to an earlier release."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.locale.mark import N_
from core.release import releases
from core.release.releases import Alias
from core.release.signatures import Signing
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.release import _signing

RELEASED = N_("Released. The served answers change with the next question.")
BACK = N_(
    "Rolled back. The served answers change with the next question. %(same)s of %(asked)s check questions are answered "
    "word for word as they were when it was signed."
)


def show(task_id: str, alias: Alias, expected: str | None) -> None:
    """Both forms, as far as there is something to move to; `expected` is the release that answers now."""
    _release(task_id, alias, expected)
    if expected is not None:
        _back(task_id, alias, expected)


def _release(task_id: str, alias: Alias, expected: str | None) -> None:
    cases = {
        case.sign_off_id: plain("Sign-off %(number)s of %(when)s", number=case.number,
                                when=parts.moment(case.requested_at))
        for case in releases.releasable(session.conn(), task_id)
        if expected is None or releases.sign_off_of(session.conn(), expected) != case.sign_off_id
    }  # fmt: skip
    if not cases:
        st.caption(_("No approved sign-off waits to be released here."))
        return

    def move(chosen: str, signing: Signing) -> Mapping[str, Any]:
        conn, by = session.conn(), session.person()
        releases.release(conn, session.settings(), chosen, alias, signing, by=by, expected=expected)
        return {}

    with st.expander(_("Release an approved sign-off"), expanded=expected is None and alias == "production"):
        chosen = parts.select(_("Sign-off"), list(cases), format_func=cases.__getitem__, key=f"releases.{alias}.case")
        key = f"releases.{alias}.release"
        _sign(key, _("Release"), chosen, releases.form(task_id, alias, chosen, expected), move, RELEASED)


def _back(task_id: str, alias: Alias, expected: str) -> None:
    earlier = {
        row["release_id"]: plain("Release %(number)s, first used on %(when)s", number=row["number"],
                                 when=parts.moment(row["moved_at"]))
        for row in releases.moves(session.conn(), task_id)
        if row["alias"] == alias and row["release_id"] != expected
    }  # fmt: skip
    if not earlier:
        return

    def move(chosen: str, signing: Signing) -> Mapping[str, Any]:
        conn, by, settings = session.conn(), session.person(), session.settings()
        with st.spinner(_("Reading every file and asking the check questions.")):
            tried = releases.roll_back(conn, settings, chosen, alias, signing, by=by, expected=expected)
        return {"same": tried.same, "asked": tried.asked}

    with st.expander(_("Roll back")):
        chosen = parts.select(
            _("To release"), list(earlier), format_func=earlier.__getitem__, key=f"releases.{alias}.back"
        )
        _questions(chosen, f"releases.{alias}.questions")
        key = f"releases.{alias}.roll_back"
        _sign(key, _("Roll back"), chosen, releases.form(task_id, alias, chosen, expected), move, BACK)


def _sign(
    key: str, label: str, chosen: str, bound: str, move: Callable[[str, Signing], Mapping[str, Any]], done: str
) -> None:
    """The form under a choice; once it is signed, `move` moves the alias and gives what `done` says of it."""
    with session.refusing():
        signing = _signing.form(key, subject=f"release:{chosen}", digest=bound, label=label)
        if signing is not None:
            _signing.signed(key, done, **move(chosen, signing))


def _questions(release_id: str, key: str) -> None:
    """Which questions a way back asks first, said before anybody signs."""
    found = releases.check_questions(session.settings(), release_id)
    if not found:
        st.caption(_("This release has no check questions: neither dev nor retain samples were answered in its proof. "
                     "Its files are checked all the same."))  # fmt: skip
        return
    of_dev = sum(one.get("split", "dev") == "dev" for one in found)
    st.caption(_("Before it moves, it is asked %(dev)s dev samples and %(retain)s retain samples of its own proof. A "
                 "bundle never holds gate samples: they are no secret any more once they lie in one.",
                 dev=of_dev, retain=len(found) - of_dev))  # fmt: skip
    if any(one.get("asked") for one in found):
        st.caption(_("What another eval set must not break is asked with a prompt of that set, as in the proof."))
    st.dataframe(
        [
            {
                plain("Sample"): one.get("key", "–"),
                plain("Part"): one.get("split", "dev"),
                plain("Eval set"): one.get("eval_set", "–"),
                plain("Input"): one["input"],
                plain("Answer when it was signed"): one["answer"],
            }
            for one in found
        ],
        hide_index=True,
        key=key,
    )
