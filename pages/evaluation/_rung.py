"""One rung of a ladder: its text, what it adds, how it looks on a real sample, and a changed version of it."""

import streamlit as st

from core.evaluation import eval_sets, prompts
from core.evaluation.eval_sets import EvalSet
from core.evaluation.prompts import Ladder, Prompt
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain

SPEAKERS = {"system": N_("Instruction to the model"), "user": N_("Question to the model")}
VIEWS = {"text": N_("The prompt"), "added": N_("What it adds to the one before"), "sample": N_("On a real sample")}


def show(ladder: Ladder, place: int, eval_set: EvalSet) -> None:
    """The rung at that place of the ladder."""
    rung, prompt = ladder.rungs[place]
    st.subheader(session.escape(plain(prompt.name)))
    if prompt.note:
        st.markdown(session.escape(plain(prompt.note)))
    view = st.segmented_control(
        _("View"),
        [one for one in VIEWS if place or one != "added"],
        default="text",
        required=True,
        format_func=lambda one: plain(VIEWS[one]),
        key=f"prompts.view.{ladder.ladder_id}.{rung}",
        label_visibility="collapsed",
    )
    if view == "text":
        st.markdown(_("**Instruction to the model**"))
        parts.text(prompt.system or plain("(none)"))
        st.markdown(_("**How each question is put**, with {input} where the question goes and {context} for its facts"))
        parts.text(prompt.template)
    elif view == "added":
        st.caption(_("Lines with + are new and lines with - are gone, compared with the prompt before."))
        lines = prompts.difference(ladder.rungs[place - 1][1], prompt) or [plain("The text is the same.")]
        st.code("\n".join(lines), language="diff", wrap_lines=True)
    else:
        _show_sample(prompt, eval_set)


def _show_sample(prompt: Prompt, eval_set: EvalSet) -> None:
    found = [one for one in eval_sets.samples(session.conn(), eval_set.eval_set_id) if one.split != "gate"]
    if not found:
        st.info(_("The set has no sample to show."))
        return
    number = st.number_input(_("Sample number"), 1, len(found), key=f"prompts.sample.{eval_set.eval_set_id}", width=200)
    for message in prompts.render(prompt, found[number - 1]):
        st.markdown(f"**{_(SPEAKERS[message['role']])}**")
        parts.text(message["content"])


def edit(ladder: Ladder, task_id: str, rung: str, prompt: Prompt) -> None:
    """A form that saves a ladder with the rung changed, or added at its end."""
    form = f"prompts.edit.{ladder.ladder_id}.{rung}"
    with st.form(form):
        name = st.text_input(_("Name"), prompt.name, key=f"{form}.name").strip()
        note = st.text_input(_("What is new in it, in one sentence"), prompt.note, key=f"{form}.note").strip()
        system = st.text_area(_("Instruction to the model"), prompt.system, height=260, key=f"{form}.system")
        template = st.text_area(_("How each question is put"), prompt.template, height=260, key=f"{form}.template")
        saved = st.form_submit_button(_("Save as a new version"), type="primary", key=f"{form}.save")
    if not saved:
        return
    with session.refusing():
        new = Prompt(name=name or rung, system=system, template=template, note=note)
        if any(new.prompt_id == known.prompt_id for _name, known in ladder.rungs):
            st.info(_("The ladder has a prompt with exactly this text already, so there is nothing new to save."))
            return
        rungs = {**dict(ladder.rungs), rung: new}
        prompts.save_ladder(
            session.conn(),
            by=session.person(),
            task_id=task_id,
            eval_set_name=ladder.eval_set_name,
            rungs=list(rungs.items()),
        )
        session.keep_message(N_("Saved. The next ladder run uses the new version; older runs keep theirs."))
        st.rerun()
