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
    files = (
        ("adapter", _("Adapter (safetensors)"), f"{name}.zip", lambda: _zip(Path(card.model.path))),
        (
            "chat",
            _("Training set as chat JSONL"),
            f"{card.training_set.training_set_id}.jsonl",
            lambda: exports.chat_jsonl(session.conn(), card.training_set),
        ),
        (
            "factory",
            _("Training set for LLaMA-Factory"),
            f"{card.training_set.training_set_id}.zip",
            lambda: exports.llama_factory(session.conn(), card.training_set),
        ),
    )
    for column, (kind, label, file_name, content) in zip(st.columns(3), files, strict=True):
        column.download_button(
            label, content, file_name=file_name, icon=":material/download:", key=f"files.{name}.{kind}"
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
