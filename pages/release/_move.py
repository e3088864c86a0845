"""An alias on the page: where it points, the form that releases, and the way back."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.access import roles
from core.evaluation.retrieving import Retrieval
from core.locale.mark import N_
from core.release import releases, sign_offs
from core.release.releases import Alias
from pages._ui import parts, passages, session, withdrawn
from pages._ui.session import _, plain
from pages.release import _decision, _signing, _stale

NAMES = {"production": N_("Production"), "candidate": N_("Candidate")}
BACK = N_(
    "Rolled back. The served answers change with the next question. %(same)s of %(asked)s check questions are answered "
    "word for word as they were when it was signed."
)
KINDS = {"released": N_("released"), "rolled_back": N_("rolled back")}


def show(task_id: str, alias: Alias) -> None:
    """Where the alias points and whether its sign-off still holds; for signers, the forms."""
    conn = session.conn()
    now = releases.current(conn, task_id, alias)
    st.subheader(_(NAMES[alias]))
    if now is None:
        st.info(_("Nothing is released here yet."))
    else:
        values = {"number": now["number"], "name": now["moved_by"], "when": parts.moment(now["moved_at"])}
        st.markdown(_("**Release %(number)s**, since %(when)s, signed by %(name)s.", **values))
        case = sign_offs.find(conn, now["sign_off_id"])
        assert case is not None, "a release has its sign-off"
        st.markdown(_("Valid until %(day)s, for:", day=case.expires_on))
        parts.text(case.scope)
        _aids(json.loads(now["manifest"]))
        if sign_offs.state(conn, case) == "overridden":
            st.error(_(_decision.OVERRIDDEN))
        if sign_offs.stale(conn, case):
            st.error(_("The sign-off of this release does not hold any more. See Release, Sign-off."))
            _stale.show(case)
        withdrawn.show(now["model_id"], now["model"])
    if roles.may(session.person(), "release.move"):
        _release(task_id, alias, now["release_id"] if now else None)
        if now is not None:
            _back(task_id, alias, now["release_id"])


def _aids(manifest: Mapping[str, Any]) -> None:
    """What the release looks up, and the judges that read answers of its proof."""
    if index := manifest.get("index"):
        st.caption(_("For each question it looks up %(what)s, which lies in its folder.",
                     what=passages.place(Retrieval(index_id=index["index_id"], k=index["k"]))))  # fmt: skip
    for judge in manifest.get("judge") or ():
        samples = (judge["calibration"] or {}).get("samples", 0)
        st.caption(_("Answers of its proof were also read by the judge “%(name)s” (%(samples)s samples held against "
                     "people).", name=judge["name"], samples=samples))  # fmt: skip


def _release(task_id: str, alias: Alias, expected: str | None) -> None:
    cases = [
        case for case in releases.releasable(session.conn(), task_id)
        if expected is None or releases.sign_off_of(session.conn(), expected) != case.sign_off_id
    ]  # fmt: skip
    if not cases:
        st.caption(_("No approved sign-off waits to be released here."))
        return
    with st.expander(_("Release an approved sign-off"), expanded=expected is None and alias == "production"):
        chosen = parts.select(
            _("Sign-off"),
            [case.sign_off_id for case in cases],
            format_func=lambda one: next(_number(case) for case in cases if case.sign_off_id == one),
            key=f"releases.{alias}.case",
        )
        with session.refusing():
            key = f"releases.{alias}.release"
            bound = releases.form(task_id, alias, chosen, expected)
            signing = _signing.form(key, subject=f"release:{chosen}", digest=bound, label=_("Release"))
            if signing is not None:
                releases.release(
                    session.conn(), session.settings(), chosen, alias, signing, by=session.person(), expected=expected
                )
                _signing.signed(key, N_("Released. The served answers change with the next question."))


def _number(case: sign_offs.SignOff) -> str:
    return plain("Sign-off %(number)s of %(when)s", number=case.number, when=parts.moment(case.requested_at))


def _back(task_id: str, alias: Alias, expected: str) -> None:
    conn = session.conn()
    earlier = {
        row["release_id"]: row["number"]
        for row in releases.moves(conn, task_id)
        if row["alias"] == alias and row["release_id"] != expected
    }
    if not earlier:
        return
    with st.expander(_("Roll back")):
        chosen = parts.select(
            _("To release"),
            list(earlier),
            format_func=lambda one: str(earlier[one]),
            key=f"releases.{alias}.back",
        )
        _questions(chosen, f"releases.{alias}.questions")
        with session.refusing():
            key = f"releases.{alias}.roll_back"
            bound = releases.form(task_id, alias, chosen, expected)
            signing = _signing.form(key, subject=f"release:{chosen}", digest=bound, label=_("Roll back"))
            if signing is not None:
                with st.spinner(_("Reading every file and asking the check questions.")):
                    tried = releases.roll_back(
                        conn, session.settings(), chosen, alias, signing, by=session.person(), expected=expected
                    )
                _signing.signed(key, BACK, same=tried.same, asked=tried.asked)


def _questions(release_id: str, key: str) -> None:
    """Which questions a way back asks first, said before anybody signs."""
    found = releases.check_questions(session.settings(), release_id)
    if not found:
        st.caption(_("This release has no check questions: neither dev nor retain samples were answered by its prompt. "
                     "Its files are checked all the same."))  # fmt: skip
        return
    of_dev = sum(one.get("split", "dev") == "dev" for one in found)
    st.caption(_("Before it moves, it is asked %(dev)s dev samples and %(retain)s retain samples of its own proof. A "
                 "bundle never holds gate samples: they are no secret any more once they lie in one.",
                 dev=of_dev, retain=len(found) - of_dev))  # fmt: skip
    st.dataframe(
        [
            {
                plain("Sample"): one.get("key", "–"),
                plain("Part"): one.get("split", "dev"),
                plain("Input"): one["input"],
                plain("Answer when it was signed"): one["answer"],
            }
            for one in found
        ],
        hide_index=True,
        key=key,
    )


def history(task_id: str) -> None:
    """Every move with its signature, the newest first."""
    found = releases.moves(session.conn(), task_id)
    if not found:
        return
    st.subheader(_("Moves"))
    st.dataframe(
        [
            {
                plain("When"): parts.moment(one["moved_at"]),
                plain("Name"): _word(NAMES, one["alias"]),
                plain("Act"): _word(KINDS, one["kind"]),
                plain("Release"): one["number"],
                plain("Signed by"): one["printed_name"],
                plain("Reason"): one["reason"],
                plain("Signer's clock"): one["local_time"],
            }
            for one in found
        ],
        hide_index=True,
        key="releases.moves",
    )


def _word(words: dict[str, str], name: str) -> str:
    found = words[name]
    return plain(found)
