"""One rung of a ladder: its text, how it differs from any other version, and how it looks on a real sample."""

import streamlit as st

from core.evaluation import prompts
from core.evaluation.eval_sets import EvalSet
from core.evaluation.prompts import Ladder, Prompt
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _answer_schema, _prompt_difference, _prompt_preview

VIEWS = {"text": N_("The prompt"), "added": N_("What differs"), "sample": N_("On a real sample")}


def show(ladder: Ladder, place: int, eval_set: EvalSet) -> None:
    """The rung at that place of the ladder."""
    rung, prompt = ladder.rungs[place]
    st.subheader(session.escape(plain(prompt.name)))
    if prompt.note:
        st.markdown(session.escape(plain(prompt.note)))
    if lineage := _lineage(ladder, place):
        st.caption(lineage)
    view = st.segmented_control(
        _("View"),
        list(VIEWS),
        default="text",
        required=True,
        format_func=lambda one: plain(VIEWS[one]),
        key=f"prompts.view.{ladder.ladder_id}.{rung}",
        label_visibility="collapsed",
    )
    if view == "text":
        _text(prompt)
    elif view == "added":
        _prompt_difference.show(ladder, place, eval_set)
    else:
        _prompt_preview.show(prompt, eval_set)


def _lineage(ladder: Ladder, place: int) -> str:
    """What the prompt was made from: another rung, or an earlier version of one."""
    rung, prompt = ladder.rungs[place]
    known = {one.prompt_id: named for named, one in ladder.rungs}
    if prompt.parent_id is None:
        return ""
    if prompt.parent_id in known:
        what = plain(prompt.name).partition("·")[2].strip()
        if what:
            return _("%(rung)s = %(parent)s + %(what)s", rung=rung, parent=known[prompt.parent_id], what=what)
        return _("Made from %(rung)s.", rung=known[prompt.parent_id])
    parent = prompts.find(session.conn(), prompt.parent_id)
    return _("Made from an earlier version: %(name)s.", name=plain(parent.name)) if parent else ""


def _text(prompt: Prompt) -> None:
    st.markdown(_("**Instruction to the model**"))
    parts.text(prompt.system or plain("(none)"))
    st.markdown(_("**How each question is put**, with {input} where the question goes and {context} for its facts"))
    parts.text(prompt.template)
    if prompt.schema:
        st.markdown(_("**The form of the answer**"))
        _answer_schema.show(prompt.schema)
    if prompt.examples:
        with st.expander(_("%(count)s solved examples", count=len(prompt.examples))):
            st.dataframe(
                [{plain("Input"): one.input, plain("Answer"): one.answer} for one in prompt.examples], hide_index=True
            )
