"""Navigation: what Streamlit runs for everybody who is signed in, before the page they asked for."""

from pathlib import Path

import streamlit as st

from core.access import preferences
from core.evaluation import tasks
from core.locale import catalogue
from pages._ui import session, widget_words
from pages._ui.session import _, plain

st.set_page_config(page_title="Countersign 会签", page_icon=str(Path(__file__).parent / "icon.png"), layout="wide")
person = session.person()


def page(path: str, title: str, icon: str, default: bool = False) -> st.Page:
    """A page of the station that its folder names."""
    name = path.removesuffix(".py").split("/")[-1]
    return st.Page(f"../{path}", title=title, icon=f":material/{icon}:", url_path=name, default=default)


stations = {
    "": [page("home/overview.py", plain("Overview"), "home", default=True)],
    plain("Evaluation"): [
        page("evaluation/tasks.py", plain("Tasks"), "assignment"),
        page("evaluation/eval_sets.py", plain("Eval sets"), "dataset"),
        page("evaluation/scorers.py", plain("Scorers"), "rule"),
        page("evaluation/prompts.py", plain("Prompts"), "notes"),
        page("evaluation/knowledge.py", plain("Knowledge base"), "library_books"),
        page("evaluation/models.py", plain("Models"), "deployed_code"),
        page("evaluation/runs.py", plain("Runs"), "stairs"),
    ],
    plain("Review"): [
        page("review/rate.py", plain("Rate"), "rate_review"),
        page("review/queues.py", plain("Queues"), "inbox"),
        page("review/compare.py", plain("Compare"), "compare"),
        page("review/agreement.py", plain("Agreement"), "handshake"),
        page("review/adjudicate.py", plain("Disputed"), "balance"),
        page("review/approvals.py", plain("Approvals"), "fact_check"),
    ],
    plain("Diagnose"): [
        page("diagnosis/ladder.py", plain("Prompt ladder"), "stairs_2"),
        page("diagnosis/probe.py", plain("Knowledge probe"), "psychology"),
        page("diagnosis/model_gap.py", plain("Models compared"), "compare"),
        page("diagnosis/retrieval.py", plain("Retrieval"), "manage_search"),
        page("diagnosis/errors.py", plain("Errors"), "troubleshoot"),
        page("diagnosis/judges.py", plain("Judges"), "gavel"),
        page("diagnosis/recommendation.py", plain("Recommendation"), "signpost"),
    ],
    plain("Training"): [
        page("training/trial.py", plain("Trial fine-tune"), "model_training"),
        page("training/distil.py", plain("Teacher"), "psychology_alt"),
        page("training/trained.py", plain("Trained models"), "school"),
    ],
    plain("Release"): [
        page("release/before_after.py", plain("Before and after"), "compare_arrows"),
        page("release/sign_off.py", plain("Sign-off"), "draw"),
        page("release/releases.py", plain("Releases"), "rocket_launch"),
        page("release/audit.py", plain("Audit trail"), "history"),
    ],
    plain("Administration"): [
        page("admin/people.py", plain("People"), "group"),
        page("admin/backups.py", plain("Backups"), "save"),
    ],
}
current = st.navigation(stations, expanded=True)


def choose_language() -> None:
    preferences.choose_language(session.conn(), person, st.session_state["language"])


def choose_task() -> None:
    st.session_state["task"] = st.session_state["sidebar.task"].task_id


with st.sidebar:
    known = tasks.everything(session.conn())
    if known:
        st.session_state["sidebar.task"] = session.task()  # pages may change the task, too
        st.selectbox(
            _("Task"),
            known,
            format_func=lambda one: session.either(one.name),
            key="sidebar.task",
            on_change=choose_task,
        )
    session.language()
    st.segmented_control(
        "Language · 语言",
        list(catalogue.LANGUAGES),
        format_func=catalogue.LANGUAGES.__getitem__,
        key="language",
        required=True,
        on_change=choose_language,
    )
    st.caption(_("Signed in as %(name)s", name=person.name))
    words = plain("Sign out")
    # Signing out is HTTP, since only HTTP can end the cookie; the words are ours.
    style = (
        "font: inherit; color: inherit; background: none; border: 1px solid; border-radius: .5rem; padding: .3em .8em"
    )
    st.html(f'<form method="post" action="/sign-out"><button style="{style}">{words}</button></form>')

widget_words.translate()
session.show_message()
current.run()
