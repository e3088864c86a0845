"""What business systems need to ask a release, and the pool that their questions make."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.access import roles
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.release import production, publishing
from pages._ui import parts, persons, session
from pages._ui.session import _, plain

MONTHS = (6, 12, 24, 36, 60, 120)
"""Between `production.SHORTEST_MONTHS` and `LONGEST_MONTHS`."""


def show(task: Task) -> None:
    """The address with an example, keys, the share kept, and drawing new samples."""
    st.subheader(_("For business systems"))
    st.markdown(_("Start `python -m core serve` beside this app; then any OpenAI client can ask:"))
    name = publishing.slug(task.name, task.task_id)
    parts.text(
        "POST http://127.0.0.1:8600/v1/chat/completions\nAuthorization: Bearer cs-…\n\n"
        f'{{"model": "{name}@production", "messages": [{{"role": "user", "content": "…"}}]}}'
    )
    if not roles.may(session.person(), "serving.manage"):
        return
    _keys()
    _pool(task)


def _keys() -> None:
    conn, person = session.conn(), session.person()
    with st.expander(_("Access keys"), icon=":material/key:"):
        if made := st.session_state.pop("releases.made", None):
            st.success(_("This is the key. It is shown this once; copy it now."))
            parts.text(made)
        for one in production.keys(conn):
            left, right = st.columns([4, 1])
            name, when = persons.name(one["created_by"]), parts.moment(one["created_at"])
            left.markdown(_("**%(system)s**, made by %(name)s on %(when)s", system=one["name"], name=name, when=when))
            if right.button(_("Revoke"), key=f"releases.revoke.{one['key_hash']}"):
                production.revoke_key(conn, session.settings(), one["key_hash"], by=person)
                st.rerun()
        form = parts.fresh("releases.key")
        with st.form(form):
            system = st.text_input(_("Which system will use it"), key=f"{form}.name")
            asked = st.form_submit_button(_("Make a key"), key=f"{form}.make")
        if asked:
            with session.refusing():
                made = production.make_key(conn, session.settings(), system, by=person)
                st.session_state["releases.made"] = made
                parts.renew("releases.key")
                st.rerun()


def _pool(task: Task) -> None:
    conn, person = session.conn(), session.person()
    with st.expander(_("From production to the next eval set"), icon=":material/cycle:"):
        production.take_in(conn, session.settings())
        _kept(task.task_id)
        kept, waiting = production.pool(conn, task.task_id)
        st.markdown(_("%(kept)s answers are kept; %(waiting)s were not drawn yet.", kept=kept, waiting=waiting))
        if measured := production.measured(conn, task.task_id):
            st.dataframe([_row(one) for one in measured], hide_index=True, key="releases.measured")
        count = st.number_input(_("Draw at random"), 1, 10_000, 50, key="releases.draw.count")
        if st.button(_("Draw into the eval set “From production”"), disabled=not waiting, key="releases.draw"):
            with session.refusing():
                production.draw(conn, task.task_id, count, by=person)
                session.keep_message(N_("They are in the eval set “From production”, in the split dev."))
                st.rerun()


def _kept(task_id: str) -> None:
    """How much of what is asked is kept, and for how long."""
    conn, now = session.conn(), production.kept(session.conn(), task_id)
    share = st.slider(
        _("Share of questions and answers that is kept (percent)"), 0, 100, round(now.share * 100),
        key=f"releases.share.{task_id}", help=_("0 keeps none. What is kept stays on this machine."),
    )  # fmt: skip
    choices = sorted({*MONTHS, *([now.months] if now.months else [])})
    months = st.selectbox(
        _("Kept for"), [None, *choices], index=[None, *choices].index(now.months), format_func=_for_so_long,
        key=f"releases.months.{task_id}",
    )  # fmt: skip
    st.caption(
        _("What is older is deleted by itself, and the audit trail says how much. Questions that were drawn stay in "
          "their eval set, and backups that were made before keep theirs.")
    )  # fmt: skip
    if st.button(_("Save"), key="releases.share.save"):
        wanted = production.Kept(share=share / 100, months=months)
        production.keep(conn, session.settings(), task_id, wanted, by=session.person())
        session.keep_message(N_("It counts from now on."))
        st.rerun()


def _for_so_long(months: int | None) -> str:
    return plain("for good") if months is None else plain("%(count)s months", count=months)


def _row(one: Mapping[str, Any]) -> dict[str, Any]:
    """What the kept answers of a release took; a dash where nobody has told."""

    def told(value: float | None, digits: int) -> str:
        return "–" if value is None else f"{value:.{digits}f}"

    return {
        plain("Release"): one["number"],
        plain("Asked for as"): one["model"] or "–",
        plain("Answers kept"): one["answers"],
        plain("Seconds (median)"): told(one["latency_s"], 2),
        plain("Tokens asked (mean)"): told(one["prompt_tokens"], 0),
        plain("Tokens answered (mean)"): told(one["completion_tokens"], 0),
    }
