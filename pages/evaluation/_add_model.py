"""Four ways to add a model: fetch the starter or one from a hub, point to a folder, name an endpoint."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.errors import Refusal
from core.evaluation import models
from core.evaluation.models import Model
from core.jobs import jobs
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _
from pages.evaluation import _connection


def fetch_starter() -> None:
    """The fetching job, and the button that starts it."""
    conn = session.conn()
    st.markdown(
        _(
            "A small open model (SmolLM2-135M-Instruct, Apache-2.0 licence) that runs on this machine. It is fetched "
            "once; nothing of yours leaves the machine. Good enough to try the whole chain."
        )
    )
    last = next((job for job in jobs.everything(conn) if job.kind == "fetch" and not job.spec.get("repo")), None)
    if last is not None:
        parts.job(last.job_id, "models.fetch_job")
    if last is None or last.state == "done":
        words = _("Fetch the starter model") if last is None else _("Fetch it again")
        if st.button(words, type="secondary" if last else "primary", key="models.fetch"):
            with session.refusing():
                models.fetch_starter(conn, by=session.person())
                st.rerun()


def from_hub() -> None:
    """A model by its name on a hub, and how far its fetching is."""
    conn = session.conn()
    st.markdown(
        _(
            "A model by its name on the Hugging Face hub, or on the mirror that the environment variable "
            "COUNTERSIGN_HUB names. Only weights as safetensors, settings and tokenizer are fetched, never programs."
        )
    )
    form = parts.fresh("models.hub")
    with st.form(form):
        repo = st.text_input(_("Name on the hub"), placeholder="Qwen/Qwen2.5-0.5B-Instruct", key=f"{form}.repo").strip()
        wanted = st.form_submit_button(_("Fetch the model"), type="primary", key=f"{form}.fetch")
    if wanted:
        with session.refusing():
            models.fetch_hub(conn, by=session.person(), repo=repo)
            parts.renew("models.hub")
            st.rerun()
    last = next((job for job in jobs.everything(conn) if job.kind == "fetch" and job.spec.get("repo")), None)
    if last is not None:
        parts.job(last.job_id, "models.hub_job")


def from_folder(known: Sequence[Model]) -> None:
    """Any folder, and with one click those that lie where models lie and are not registered."""
    st.markdown(_("A folder with a model's files on the computer where Countersign runs: weights, config, tokenizer."))
    registered = {one.path for one in known}
    parent = session.settings().models
    for folder in sorted(parent.iterdir()) if parent.is_dir() else []:
        if (folder / "config.json").is_file() and str(folder.resolve()) not in registered:
            words = _("Add “%(name)s”, found in the models folder", name=folder.name)
            if st.button(words, key=f"models.found.{folder.name}"):
                _register(str(folder), "")
    form = parts.fresh("models.folder")
    with st.form(form):
        path = st.text_input(_("Folder"), placeholder="/models/Qwen2.5-0.5B-Instruct", key=f"{form}.path").strip()
        name = st.text_input(_("Name (else the folder's)"), key=f"{form}.name")
        added = st.form_submit_button(_("Add model"), type="primary", key=f"{form}.add")
    if added:
        _register(path, name)


def _register(folder: str, name: str) -> None:
    with session.refusing():
        if not folder:
            raise Refusal(N_("Say which folder the model is in, such as /models/Qwen2.5-0.5B-Instruct."))
        with st.spinner(_("Reading the model's files…")):
            added = models.register_local(session.conn(), by=session.person(), folder=Path(folder), name=name)
        parts.renew("models.folder")
        _say_added(added)


def endpoint() -> None:
    """An OpenAI-compatible server, tested on request."""
    st.markdown(
        _(
            "A server that speaks the OpenAI protocol: a cloud service, vLLM, Ollama and many more. Everything that is "
            "asked goes to that server, so name one that your data may be sent to."
        )
    )
    form = parts.fresh("models.api")
    with st.form(form):
        base_url = st.text_input(_("Address"), placeholder="http://127.0.0.1:11434/v1", key=f"{form}.url").strip()
        api_model = st.text_input(_("Model, as the server calls it"), key=f"{form}.model").strip()
        key_env = st.text_input(
            _("Name of the environment variable that holds the key"),
            placeholder="OPENAI_API_KEY",
            help=_("Never the key itself. Leave it empty if the server wants none."),
            key=f"{form}.key_env",
        ).strip()
        name = st.text_input(_("Name here (else the model's)"), key=f"{form}.name")
        with st.container(horizontal=True):
            added = st.form_submit_button(_("Add endpoint"), type="primary", key=f"{form}.add")
            tested = st.form_submit_button(_("Test connection"), key=f"{form}.test")
    with session.refusing():
        if tested:
            _connection.check(base_url, api_model, key_env or None)
        if added:
            model = models.register_api(
                session.conn(),
                by=session.person(),
                name=name,
                base_url=base_url,
                api_model=api_model,
                key_env=key_env,
            )
            parts.renew("models.api")
            _say_added(model)


def _say_added(model: Model) -> None:
    session.keep_message(N_("The model “%(name)s” is registered."), name=model.name)
    st.rerun()
