"""A tuned model and its data for other programs."""

import io
import zipfile
from pathlib import Path

import streamlit as st

from core.access import roles
from core.training import cards, exports
from core.training.cards import Card
from pages._ui import parts, session
from pages._ui.session import _


def show(card: Card) -> None:
    """Downloads, commands for vLLM and Ollama, and merging with what its check found."""
    st.header(_("Use it elsewhere"))
    name = card.model.model_id
    columns = st.columns(3)
    columns[0].download_button(
        _("Adapter (safetensors)"),
        lambda: _zip(Path(card.model.path)),
        file_name=f"{name}.zip",
        icon=":material/download:",
        key=f"files.{name}.adapter",
    )
    columns[1].download_button(
        _("Training set as chat JSONL"),
        lambda: exports.chat_jsonl(session.conn(), card.training_set),
        file_name=f"{card.training_set.training_set_id}.jsonl",
        icon=":material/download:",
        key=f"files.{name}.chat",
    )
    columns[2].download_button(
        _("Training set for LLaMA-Factory"),
        lambda: exports.llama_factory(session.conn(), card.training_set),
        file_name=f"{card.training_set.training_set_id}.zip",
        icon=":material/download:",
        key=f"files.{name}.factory",
    )
    st.caption(_("vLLM serves base and adapter together:"))
    parts.text(cards.vllm_command(card))
    _show_merging(card)


def _show_merging(card: Card) -> None:
    conn, settings, person = session.conn(), session.settings(), session.person()
    job = cards.merging_of(conn, card.model.model_id)
    if job is not None:
        parts.job(job.job_id, f"files.{card.model.model_id}.merging")
    found = cards.merged(settings, job) if job else None
    if found:
        st.success(
            _(
                "Merged: %(same)s of %(checked)s answers are the same as those of base and adapter.",
                same=found["same"],
                checked=found["checked"],
            )
        )
        parts.text(found["merged"])
        st.caption(_("Ollama takes the merged folder with its Modelfile:"))
        parts.text(cards.ollama_command(Path(found["merged"]), card))
    elif (job is None or not parts.is_open(job.job_id)) and roles.may(person, "model.manage"):
        st.caption(_("Ollama and others need one model folder: base and adapter merged."))
        if st.button(_("Merge and check"), icon=":material/merge:", key=f"files.{card.model.model_id}.merge"):
            with session.refusing():
                cards.merge(conn, settings, by=person, card=card)
                st.rerun()


def _zip(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.glob("*")):
            archive.write(path, path.name)
    return packed.getvalue()
