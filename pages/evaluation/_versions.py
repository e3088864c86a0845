"""The versions of a set: their history, what changed between two, an older one brought back, and files of each."""

import streamlit as st

from core.access import roles
from core.evaluation import exports, versions
from core.evaluation.eval_sets import EvalSet
from core.evaluation.tasks import Task
from core.locale.mark import N_
from pages._ui import parts, persons, session, state
from pages._ui.session import _, plain
from pages.evaluation import _words

CHANGES = {"added": N_("added"), "removed": N_("removed"), "changed": N_("changed")}
PART_WORDS = {
    "input": N_("Input"),
    "context": N_("Context"),
    "reference": N_("Reference"),
    "kind": N_("Kind"),
    "pair": N_("Pair"),
    "group_id": N_("Group"),
    "split": N_("Split"),
    "critical": N_("Critical"),
    "tags": N_("Tags"),
    "fields": N_("Further columns"),
}
KINDS = {
    "csv": ("CSV", exports.to_csv, "text/csv"),
    "xlsx": ("XLSX", exports.to_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "jsonl": ("JSONL", exports.to_jsonl, "application/x-ndjson"),
}
PAGE = 50
"""Changes that are drawn at a time."""


def show(task: Task) -> None:
    """Choose a set, and see and use its versions."""
    chosen = parts.choose_eval_set(task.task_id, "eval_sets.versions")
    assert chosen is not None, "the page has looked"
    conn = session.conn()
    history, who = versions.history(conn, task.task_id, chosen.name), persons.names()
    st.dataframe(
        [
            {
                plain("Version"): one["version"],
                plain("What is new in it"): one["note"],
                plain("Samples"): one["sample_count"],
                plain("Made from"): one["parent"],
                plain("By"): who[one["created_by"]],
                plain("When"): parts.moment(one["created_at"]),
            }
            for one in history
        ],
        hide_index=True,
    )
    known = {one.version: one for one in versions.of_set(conn, task.task_id, chosen.name)}
    if len(known) > 1:
        _compare(known)
    if roles.may(session.person(), "eval_set.import"):
        _use(known)


def _compare(known: dict[int, EvalSet]) -> None:
    st.subheader(_("What changed"))
    left, right = st.columns(2)
    numbers = list(known)
    key = f"versions.{known[numbers[0]].eval_set_id}"
    before = left.selectbox(_("From version"), numbers, index=1, key=f"{key}.before")
    after = right.selectbox(_("To version"), numbers, index=0, key=f"{key}.after")
    ids = known[before].eval_set_id, known[after].eval_set_id
    found = versions.compare(session.conn(), *ids, limit=PAGE)
    st.markdown(
        _(
            "%(added)s samples added · %(removed)s removed · %(changed)s changed",
            added=f"{found.added:,}",
            removed=f"{found.removed:,}",
            changed=f"{found.changed:,}",
        )
    )
    count = found.added + found.removed + found.changed
    if first := parts.offset(count, f"{key}.page.{before}.{after}", PAGE):
        found = versions.compare(session.conn(), *ids, offset=first, limit=PAGE)
    if not found.rows:
        return
    st.dataframe(
        [
            {
                plain("Key"): row["key"],
                plain("Change"): plain(CHANGES[row["change"]]),
                plain("Parts"): ", ".join(plain(PART_WORDS[part]) for part in row["parts"])
                if row["change"] == "changed"
                else "",
                plain("Input before"): row["input_before"],
                plain("Input after"): row["input_after"],
                plain("Reference before"): row["reference_before"],
                plain("Reference after"): row["reference_after"],
                plain("Split before"): row["split_before"],
                plain("Split after"): row["split_after"],
            }
            for row in found.rows
        ],
        hide_index=True,
        row_height=_words.row_height(row["input_after"] or row["input_before"] or "" for row in found.rows),
    )


def _use(known: dict[int, EvalSet]) -> None:
    st.subheader(_("Use a version"))
    numbers = list(known)
    newest = known[numbers[0]]
    key = f"versions.{newest.eval_set_id}"
    chosen = known[st.selectbox(_("Version"), numbers, key=f"{key}.use")]
    person = session.person()
    st.markdown(_("As a file, which can be corrected and imported again; it holds the locked samples, too."))
    for (kind, (label, write, mime)), place in zip(KINDS.items(), st.columns(len(KINDS)), strict=True):
        place.download_button(
            label,
            data=lambda write=write: write(state.conn(), chosen, by=person),
            file_name=f"{plain(chosen.name)}.v{chosen.version}.{kind}",
            mime=mime,
            on_click="ignore",
            icon=":material/download:",
            key=f"{key}.{chosen.version}.{kind}",
        )
    if chosen != newest:
        note = st.text_input(_("Why it is brought back"), key=f"{key}.note")
        if st.button(_("Make it the newest version again"), key=f"{key}.restore"):
            with session.refusing():
                saved = versions.restore(session.conn(), by=person, eval_set_id=chosen.eval_set_id, note=note.strip())
                session.keep_message(
                    N_("Version %(version)s has the samples of version %(old)s."),
                    version=saved.version,
                    old=chosen.version,
                )
                st.rerun()
