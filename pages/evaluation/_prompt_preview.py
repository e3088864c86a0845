"""A prompt as a model would read it, on a real sample, with its length."""

from pathlib import Path

import streamlit as st

from core.evaluation import eval_sets, models, rendering, splits, token_counts
from core.evaluation.eval_sets import EvalSet
from core.evaluation.prompts import Prompt
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _

SPEAKERS = {"system": N_("Instruction to the model"), "user": N_("Question to the model")}


def show(prompt: Prompt, eval_set: EvalSet, key: str = "prompts.sample") -> None:
    """Choose a sample by its number, of those that are not locked, and see the messages."""
    split = next((one for one in splits.SPLITS if one != "gate" and eval_set.counts.get(one)), None)
    if split is None:
        st.info(_("The set has no sample to show."))
        return
    left, right = st.columns(2)
    number = left.number_input(
        _("Sample number"), 1, eval_set.counts[split], key=f"{key}.{eval_set.eval_set_id}", width=200
    )
    known = {
        one.name: Path(one.path)
        for one in models.offered(session.conn())
        if one.kind == "local" and (Path(one.path) / "tokenizer.json").is_file()
    }
    folder = known[right.selectbox(_("Tokens as counted by"), list(known), key=f"{key}.tokenizer")] if known else None
    (sample,) = eval_sets.samples(session.conn(), eval_set.eval_set_id, split, offset=number - 1, limit=1)
    messages = rendering.render(prompt, sample)
    counts = [token_counts.count(message["content"], folder) for message in messages]
    total = sum(one.tokens for one in counts)
    st.markdown(
        _("%(count)s tokens, and a few more for who speaks", count=f"{total:,}")
        if counts[0].exact
        else _("About %(count)s tokens: a careful guess, since no local model is registered", count=f"{total:,}")
    )
    for message in messages:
        st.markdown(f"**{_(SPEAKERS[message['role']])}**")
        parts.text(message["content"])
