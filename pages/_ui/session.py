"""Who is in front of the page, in which language, looking at which task; and a cursor of their own."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import streamlit as st

from core.access import preferences, sessions
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import demo_task, tasks
from core.evaluation.tasks import Task
from core.jobs import jobs
from core.locale import catalogue
from core.locale.mark import N_
from core.settings import Settings
from pages._ui import entrance, state

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:])")


def conn() -> duckdb.DuckDBPyConnection:
    """A fresh cursor, since no two script runs may share one."""
    return state.conn()


def settings() -> Settings:
    return state.settings()


def job_folder(job_id: str) -> Path:
    return jobs.folder_of(settings(), job_id)


def _token() -> str | None:
    return st.context.cookies.get(sessions.COOKIE)


def _signed_in() -> Person | None:
    return sessions.person_of(conn(), _token(), idle=settings().idle)


def person() -> Person:
    """Who is signed in; the page ends here when nobody is (any more)."""
    found = _signed_in()
    if found is None:
        st.info(_("You are signed out. Reload the page to sign in again."))
        st.stop()
    return found


def language() -> str:
    """The language chosen now or last time, else the browser's, else English."""
    if "language" not in st.session_state:
        found = _signed_in()
        wanted = preferences.language_of(conn(), found) if found else ""
        wanted = wanted or st.context.cookies.get(entrance.LANGUAGE_COOKIE, "")
        if wanted not in catalogue.LANGUAGES:
            wanted = "zh" if (st.context.locale or "").lower().startswith("zh") else "en"
        st.session_state["language"] = wanted
    return str(st.session_state["language"])


def _(message: str, **values: Any) -> str:
    """The message in the reader's language for places that read markdown: values are shown as they are."""
    return catalogue.translate(language(), message, {name: escape(value) for name, value in _named(values).items()})


def plain(message: str, **values: Any) -> str:
    """The message in the reader's language for places that show plain text: options, charts, file names."""
    return catalogue.translate(language(), message, _named(values))


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a message, with the sets that we ship named in the reader's language."""
    return {name: plain(value) if value in demo_task.NAMES else value for name, value in values.items()}


def escape(value: Any) -> str:
    """The text such that markdown shows it unchanged and loads nothing."""
    return _MARKDOWN.sub(r"\\\1", str(value)).replace("\n", " ")


def either(texts: Any) -> str:
    """The reader's language of a bilingual record."""
    return catalogue.either(language(), texts)


@contextmanager
def refusing() -> Iterator[None]:
    """Show a refusal as a sentence where it happened; anything else stays loud."""
    try:
        yield
    except Refusal as refusal:
        st.error(_(refusal.message, **refusal.values))


def task() -> Task:
    """The task that was chosen in the sidebar; the page ends here when there is none."""
    known = tasks.everything(conn())
    if not known:
        st.info(_("There is no task yet. Create one under Evaluation, Tasks."))
        st.stop()
    chosen = st.session_state.get("task")
    return next((one for one in known if one.task_id == chosen), known[0])


def keep_message(message: str, **values: Any) -> None:
    """Say it after the rerun that follows: a message written before a rerun is never seen."""
    st.session_state["said"] = (message, values)


def show_message() -> None:
    """Show what `keep_message` kept, once."""
    if "said" in st.session_state:
        message, values = st.session_state.pop("said")
        st.success(_(message, **values))


STATES = {
    "queued": N_("waiting"),
    "running": N_("running"),
    "stopping": N_("stopping"),
    "stopped": N_("stopped"),
    "interrupted": N_("interrupted"),
    "failed": N_("failed"),
    "done": N_("done"),
}
"""Words for the states of a job."""
