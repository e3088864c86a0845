"""Prompts: the ladder of a set, and further attempts."""

from dataclasses import replace

import streamlit as st

from core.access import roles
from core.evaluation import eval_sets, ladder_templates, prompts
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _import_form, _prompt_form, _rung

conn, task = session.conn(), session.task()
may_edit = roles.may(session.person(), "task.manage")
st.title(_("Prompts"))
st.caption(
    _("A ladder is a row of prompts, each the one before plus one thing, so that a gain shows what it came from.")
)
chosen = parts.choose_eval_set(task.task_id, "prompts.set")
if chosen is None:
    st.info(_("This task has no eval set yet. Import one under Evaluation, Eval sets."))
    st.stop()
ladder = prompts.ladder(conn, task.task_id, chosen.name)
if ladder is None:
    st.info(_("This set has no prompts yet."))
    first = eval_sets.samples(conn, chosen.eval_set_id, limit=ladder_templates.MOST_READ)
    said = _import_form.choose_language([one.input for one in first], f"prompts.{chosen.eval_set_id}")
    if st.button(_("Make a first ladder"), type="primary", disabled=not may_edit, key="prompts.first"):
        with session.refusing():
            _import_form.make_ladder(chosen, said)
            st.rerun()
    if may_edit:
        with st.expander(_("Write a new ladder from four questions"), icon=":material/stairs:"):
            _prompt_form.fill_in(chosen, "prompts.fill")
    st.stop()

named = [rung for rung, _prompt in ladder.rungs]
further = chr(ord(named[-1]) + 1)
rung = st.segmented_control(
    _("Prompt"),
    [*named, further] if may_edit else named,
    default=named[0],
    required=True,
    format_func=lambda one: plain("Add %(rung)s", rung=one) if one == further else one,
    key=f"prompts.rung.{ladder.ladder_id}",
)
if rung == further:
    st.caption(_("A further attempt starts from the last prompt. Change what you think will help."))
    last = ladder.rungs[-1][1]
    _prompt_form.edit(ladder, chosen, further, replace(last, name=f"{further} · ", note=""))
else:
    place = named.index(rung)
    _rung.show(ladder, place, chosen)
    if may_edit:
        with st.expander(_("Change this prompt"), icon=":material/edit:"):
            _prompt_form.edit(ladder, chosen, rung, ladder.rungs[place][1])
if may_edit:
    with st.expander(_("Write a new ladder from four questions"), icon=":material/stairs:"):
        _prompt_form.fill_in(chosen, "prompts.fill")
