"""Overview: where this task stands, what comes next, and what waits for me."""

import streamlit as st

from core.jobs import jobs
from core.locale.mark import N_
from core.store import checks
from pages._ui import parts, persons, session
from pages._ui.session import _, plain
from pages.home import _chain, _waiting

ICONS = {"done": "check_circle", "now": "arrow_circle_right", "running": "pending", "later": "circle"}
WORDS = {"done": N_("done"), "now": N_("next"), "running": N_("running"), "later": N_("later")}
RECENT = 8
HELP = (
    N_("**Evaluate.** Questions with right answers are put to the model through a ladder of ever better prompts."),
    N_(
        "**Rate and approve.** People who know the business judge answers without knowing which version wrote them, "
        "and correct them. An approved answer is the only thing a model may ever learn from."
    ),
    N_("**Diagnose.** The numbers say whether better prompts still help, or whether training is worth trying."),
    N_("**Train.** A trial fine-tune learns from the approved answers. It runs on this machine."),
    N_("**Prove.** Old and new answer questions that neither has seen. Better counts only if nothing else got worse."),
    N_(
        "Every number comes with the number of samples behind it and the range in which the true value very probably "
        "lies. “Not enough evidence yet” is an honest answer. Every act is written down in the audit trail."
    ),
)


def show_chain() -> None:
    stations = _chain.stations(conn, task)
    for station, place in zip(stations, st.columns(len(stations)), strict=True):
        with place:
            st.markdown(f":material/{ICONS[station.state]}:  \n**{_(station.name)}**")
            st.caption(f"{_(WORDS[station.state])} · {_(station.words.message, **station.words.values)}")
    for station in stations:
        if station.verdict:
            st.markdown(f"**{_(station.name)}:** {_(station.verdict.message, **station.verdict.values)}")
    step = _chain.next_step(conn, task, stations)
    with st.container(border=True):
        parts.link(step.page, f"**{_(step.words.message, **step.words.values)}**", "arrow_forward")


def show_waiting() -> None:
    shown = [*_waiting.links(conn, task, person)]
    for page, label, icon, about in shown:
        parts.link(page, label, icon, **about)
    if not shown:
        st.caption(_("Nothing is waiting for you."))


def show_jobs() -> None:
    if running := jobs.in_states(conn, *jobs.OPEN):
        st.subheader(_("Running now"))
        for job in running:
            parts.job(job.job_id, f"overview.job.{job.job_id}")
    ended = [job for job in jobs.everything(conn, task.task_id) if job.state not in jobs.OPEN][:RECENT]
    if not ended:
        return
    who = persons.names()
    st.subheader(_("Recent background work"))
    rows = [
        {
            plain("Work"): plain(job.title, **job.values),
            plain("State"): plain(session.STATES[job.state]),
            plain("Message"): plain(job.message, **job.message_values) if job.message else "",
            plain("Started by"): who[job.by],
        }
        for job in ended
    ]
    if not any(job.message for job in ended):
        for row in rows:
            del row[plain("Message")]
    st.dataframe(rows, hide_index=True)


conn, person, task = session.conn(), session.person(), session.task()
if (bad := checks.known_bad(conn)) is not None:
    st.error(_("Entry %(number)s of the audit trail is not as it was written", number=bad), icon=":material/gpp_bad:")
    parts.link("release/audit.py", _("Audit trail"), "history")
st.title(session.escape(session.either(task.name)))
if described := session.either(task.description):
    st.markdown(session.escape(described))
st.caption(
    _(
        "Agreed: the target is %(target)s%% of the answers right; a gain of %(gain)s points or more is worth having; "
        "elsewhere a loss of up to %(margin)s points is harmless.",
        target=round(task.target * 100),
        gain=round(task.plan.smallest_gain * 100),
        margin=round(task.plan.margin * 100),
    )
)
st.subheader(_("Where this task stands"))
show_chain()
st.subheader(_("What waits for you"))
show_waiting()
show_jobs()
with st.expander(_("How Countersign works"), icon=":material/help:"):
    for paragraph in HELP:
        st.markdown(_(paragraph))
