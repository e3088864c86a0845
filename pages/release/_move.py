"""An alias on the page: where it points, and every move so far."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.access import roles
from core.evaluation.retrieving import Retrieval
from core.locale.mark import N_
from core.release import releases, sign_offs, signatures
from core.release.releases import Alias
from pages._ui import downloads, parts, passages, session, withdrawn
from pages._ui.session import _, plain
from pages.release import _decision, _moving, _stale

NAMES = {"production": N_("Production"), "candidate": N_("Candidate")}
KINDS = {"released": N_("released"), "rolled_back": N_("rolled back")}


def show(task_id: str, alias: Alias) -> None:
    """Where the alias points and whether its sign-off still holds; for signers, the forms."""
    conn = session.conn()
    now = releases.current(conn, task_id, alias)
    st.subheader(_(NAMES[alias]))
    if now is None:
        st.info(_("Nothing is released here yet."))
    else:
        values = {"number": now["number"], "name": now["signed_by"], "when": parts.moment(now["moved_at"])}
        st.markdown(_("**Release %(number)s**, since %(when)s, signed by %(name)s.", **values))
        manifest = json.loads(now["manifest"])
        said = {"model": now["model"], "prompt": manifest["prompt"]["name"]}
        st.markdown(_("It answers with the model **%(model)s** and the prompt **%(prompt)s**.", **said))
        case = sign_offs.find(conn, now["sign_off_id"])
        assert case is not None, "a release has its sign-off"
        st.markdown(_("Valid until %(day)s, for:", day=case.expires_on))
        parts.text(case.scope)
        _aids(manifest)
        if sign_offs.state(conn, case) == "overridden":
            st.error(_(_decision.OVERRIDDEN))
        if sign_offs.stale(conn, case):
            st.error(_("The sign-off of this release does not hold any more. See Release, Sign-off."))
            _stale.show(case)
        withdrawn.show(now["model_id"], now["model"])
    if roles.may(session.person(), "release.move"):
        _moving.show(task_id, alias, now["release_id"] if now else None)


def _aids(manifest: Mapping[str, Any]) -> None:
    """What the release looks up, and the judges that read answers of its proof."""
    if index := manifest.get("index"):
        st.caption(_("For each question it looks up %(what)s, which lies in its folder.",
                     what=passages.place(Retrieval(index_id=index["index_id"], k=index["k"]))))  # fmt: skip
    for judge in manifest.get("judge") or ():
        samples = (judge["calibration"] or {}).get("samples", 0)
        st.caption(_("Answers of its proof were also read by the judge “%(name)s” (%(samples)s samples held against "
                     "people).", name=judge["name"], samples=samples))  # fmt: skip


def history(task_id: str) -> None:
    """Every move with its signature, the newest first."""
    found = releases.moves(session.conn(), task_id)
    if not found:
        return
    st.subheader(_("Moves"))
    signed = [signatures.shown(one) for one in found]
    table = pd.DataFrame(
        {
            plain("Time (UTC)"): [one["utc"] for one in signed],
            plain("Name"): [_word(NAMES, one["alias"]) for one in found],
            plain("Act"): [_word(KINDS, one["kind"]) for one in found],
            plain("Release"): [one["number"] for one in found],
            plain("Signed by"): [one["name"] for one in signed],
            plain("Reason"): [one["reason"] for one in signed],
            plain("Signer's clock"): [one["local"] for one in signed],
        }
    )
    st.dataframe(table, hide_index=True, key="releases.moves")
    st.download_button(
        "CSV", lambda: downloads.csv(table), "moves.csv", "text/csv", on_click="ignore", key="releases.moves.csv"
    )


def _word(words: dict[str, str], name: str) -> str:
    found = words[name]
    return plain(found)
