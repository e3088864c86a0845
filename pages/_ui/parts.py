"""Parts that several pages share."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.access import roles
from core.evaluation import eval_sets, models
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.jobs import folder as folders
from core.jobs import jobs, progress
from core.locale.mark import N_
from pages._ui import company, session, training_charts
from pages._ui.session import _

Row = TypeVar("Row")

PHASES = {
    "loading model": N_("loading the model"),
    "downloading": N_("downloading"),
    "checking": N_("checking"),
    "converting": N_("converting"),
    "answering": N_("answering"),
    "judging": N_("judging"),
    "rewriting": N_("rewriting"),
    "embedding": N_("turning passages into vectors"),
    "training": N_("training"),
    "measuring": N_("measuring one step"),
    "merging": N_("merging"),
    "saving": N_("saving"),
}


def text(value: str) -> None:
    """Somebody else's text, exactly as it is: no markdown, no HTML, nothing that could load anything."""
    st.code(value, language=None, wrap_lines=True)


def moment(at: datetime) -> str:
    """A stored time (UTC) on the reader's clock, to the minute."""
    return f"{on_clock(at):%Y-%m-%d %H:%M}"


def on_clock(at: datetime) -> datetime:
    """A stored time (UTC) as the reader's clock had it then, without a zone."""
    return at.replace(tzinfo=UTC).astimezone(_zone()).replace(tzinfo=None)


def midnight(day: date) -> datetime:
    """When the reader's day begins, as times are stored (UTC)."""
    return datetime.combine(day, time(), _zone()).astimezone(UTC).replace(tzinfo=None)


def _zone() -> tzinfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):  # the browser says what it likes
        return UTC


def paged(rows: Sequence[Row], key: str, size: int) -> Sequence[Row]:
    """The rows of one page, with the pages to choose from above them when there are several."""
    first = offset(len(rows), key, size)
    return rows[first : first + size]


def offset(count: int, key: str, size: int) -> int:
    """Where the chosen page begins in so many rows, with the pages to choose from when there are several."""
    pages = -(-count // size)
    return int(st.pagination(pages, key=f"{key}.{pages}") - 1) * size if pages > 1 else 0


def link(page: str, label: str, icon: str, **about: str) -> None:
    """A link to a page by its path under pages/, such as `review/rate.py`, opened `about` a thing by its id."""
    # Streamlit starts from where main.py is
    st.page_link(f"../{page}", label=label, icon=f":material/{icon}:", query_params=about or None)


def asked_about(name: str, known: Sequence[str], otherwise: int = 0) -> int:
    """The place in `known` of what a `link` opened the page about, else another one."""
    asked = st.query_params.get(name)
    return list(known).index(asked) if asked in known else otherwise


def fresh(form: str) -> str:
    """A prefix for the form's widget keys that is new once `renew` was called, so that the fields are empty again."""
    return f"{form}.{st.session_state.get(form, 0)}"


def renew(form: str) -> None:
    """Empty the form at the next run, after what was in it has been saved."""
    st.session_state[form] = st.session_state.get(form, 0) + 1


def select(label: str, options: Sequence[Any], *, key: str, **how: Any) -> Any:
    """A selectbox whose options are worded in the reader's language.

    The browser remembers the wording that was chosen, which a change of language makes unknown: the choice is then
    sent to it again in the new wording.
    """
    if key in st.session_state and st.session_state.get(f"{key}.language") != session.language():
        st.session_state[key] = st.session_state[key]
        how["index"] = 0  # the choice counts; Streamlit would warn of any other default beside it
    st.session_state[f"{key}.language"] = session.language()
    how.setdefault("placeholder", _("Choose"))
    return st.selectbox(label, options, key=key, **how)


def view(label: str, views: Mapping[str, str], key: str, default: str | None = None) -> str:
    """One of the views of a page by its name, `views` has their words; the first is open unless another one is to be.

    The label is for screen readers only.
    """
    chosen: str = st.segmented_control(
        label,
        list(views),
        default=default or next(iter(views)),
        required=True,
        format_func=views.__getitem__,
        key=key,
        label_visibility="collapsed",
    )
    return chosen


def choose_eval_set(task_id: str, key: str, split: str | None = None) -> EvalSet | None:
    """A picker over the task's sets, those with samples in the split; None when there is none."""
    sets = [one for one in eval_sets.of_task(session.conn(), task_id) if split is None or one.counts.get(split)]
    return select(
        _("Eval set"),
        sets,
        format_func=lambda one: f"{session.plain(one.name)} · v{one.version}",
        key=key,
        index=0 if sets else None,
    )


def choose_model(key: str, *kinds: str, usual: str | None = None) -> Model | None:
    """A picker over the registered models of those kinds, the newest first; that of the id `usual` unless changed."""
    known = [one for one in reversed(models.offered(session.conn())) if not kinds or one.kind in kinds]
    if not known:
        st.info(_("There is no model yet. Fetch the starter model under Evaluation, Models."))
        link("evaluation/models.py", _("Go to Models"), "deployed_code")
        return None
    taken = Counter(one.name for one in known)

    def name(one: Model) -> str:
        return one.name if taken[one.name] == 1 else f"{one.name} ({one.model_id[-4:]})"

    index = next((place for place, one in enumerate(known) if one.model_id == usual), 0)
    return st.selectbox(_("Model"), known, index=index, format_func=name, key=key)


def is_open(job_id: str) -> bool:
    """Whether the job waits or runs, so that the same work need not be asked for twice."""
    found = jobs.find(session.conn(), job_id)
    return found is not None and found.state in jobs.OPEN


def job(job_id: str, key: str) -> None:
    """A job's state, progress, time left and buttons; looks again every second while the job is open."""
    found = jobs.find(session.conn(), job_id)
    if found is not None:
        st.fragment(_job, run_every=1.0 if found.state in jobs.OPEN else None)(job_id, key, found.state)


def _job(job_id: str, key: str, drawn: str) -> None:
    found = jobs.find(session.conn(), job_id)
    assert found is not None
    if found.state != drawn and found.state not in jobs.OPEN:
        st.rerun()  # the page around it shows results now
    now = progress.read(session.job_folder(job_id))
    # The title's own words are ours; set and model names in it are plain text.
    st.markdown(f"**{_(found.title, **found.values)}** · {_(session.STATES[found.state])}")
    if found.state in jobs.OPEN:
        st.progress(now.share, text=_status(found, now))
    if now.steps:
        st.altair_chart(training_charts.loss(now.steps), key=f"{key}.loss")
    if found.message:
        st.warning(_(found.message, **found.message_values))
    _buttons(found, key)


def _status(found: jobs.Job, now: progress.Progress) -> str:
    if found.state == "queued":
        place = jobs.place(session.conn(), found)
        return _("next in the queue") if place == 1 else _("number %(place)s in the queue", place=place)
    words = _(PHASES[now.phase]) if now.phase in PHASES else session.escape(now.phase)
    if now.total > 10_000_000:
        words += _(" · %(done)s of %(total)s MB", done=now.done // 1_000_000, total=now.total // 1_000_000)
    elif now.total:
        words += _(" · %(done)s of %(total)s", done=now.done, total=now.total)
    if now.left_s is not None:
        words += " · " + duration(now.left_s)
    return words


def duration(seconds: float) -> str:
    """Time left in words a person would use."""
    if seconds < 60:
        return _("less than a minute left")
    return _("about %(minutes)s min left", minutes=round(seconds / 60))


def _buttons(found: jobs.Job, key: str) -> None:
    person, folder = session.person(), session.job_folder(found.job_id)
    if not roles.may(person, "job.stop"):
        return
    if found.state in ("queued", "running") and st.button(_("Stop"), key=f"{key}.stop", icon=":material/stop:"):
        jobs.stop(session.conn(), session.settings(), found.job_id, by=person)
        st.rerun(scope="app")
    if found.state in jobs.RESUMABLE:
        resumed = st.button(_("Resume"), key=f"{key}.resume", icon=":material/play_arrow:")
        if resumed:
            jobs.resume(session.conn(), session.settings(), found.job_id, by=person)
            st.rerun(scope="app")
        log = folder / "log.txt"
        if log.exists() and folders.spec(folder):
            with st.expander(_("Log")):
                text(log.read_text("utf-8", errors="replace")[-5000:])


def confirmation(name: str, what: str) -> None:
    """For people without a password here: the way to the company's sign-in, where they confirm this one form."""
    st.caption(
        _("You sign as **%(name)s**. Before you sign, show that it is you: the button opens your company's sign-in in "
          "a new tab.", name=name)
    )  # fmt: skip
    st.link_button(_("Show that it is me"), f"{company.CONFIRM}?for={what}", icon=":material/fingerprint:")
