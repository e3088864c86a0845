"""A changed prompt, seen on a real sample while it is written, and a whole ladder from four answers."""

import streamlit as st

from core.errors import Refusal
from core.evaluation import answer_schemas, examples, ladder_templates, prompts
from core.evaluation.eval_sets import EvalSet
from core.evaluation.prompts import Example, Ladder, Prompt
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _answer_schema, _prompt_names, _prompt_preview


def edit(ladder: Ladder, eval_set: EvalSet, rung: str, start: Prompt) -> None:
    """Saves a ladder with the rung changed, or added at its end; `start` is what it is made from."""
    form = f"prompts.edit.{ladder.ladder_id}.{rung}"
    name = st.text_input(_("Name"), start.name, key=f"{form}.name").strip()
    note = st.text_input(_("What is new in it, in one sentence"), start.note, key=f"{form}.note").strip()
    system = st.text_area(_("Instruction to the model"), start.system, height=260, key=f"{form}.system")
    template = st.text_area(
        _("How each question is put"),
        start.template,
        height=200,
        help=_(
            "{input} is the question, {context} its facts, {examples} the solved examples, {schema} the format of the "
            "answer; a further column of the set goes by its own name in braces."
        ),
        key=f"{form}.template",
    )
    shown = choose_examples(eval_set, start.examples, form)
    if shown and prompts.EXAMPLES not in template:
        template = prompts.EXAMPLES + template
    written = _answer_schema.write(eval_set, start, form)
    try:
        schema = answer_schemas.read(written) if written.strip() else None
        if schema is None and "{schema}" in system + template:
            schema = dict(eval_set.schema or {}) or None
        new = Prompt(
            name=name or rung, system=system, template=template, note=note, examples=shown, schema=schema,
            parent_id=start.prompt_id,
        )  # fmt: skip
    except Refusal as refusal:
        st.error(_(refusal.message, **refusal.values))
        new = None
    if new is not None and new.schema and written.strip():
        _answer_schema.show(new.schema)
        if "{schema}" not in system + template:
            st.caption(
                _(
                    "The text does not name {schema}: the model does not read it, and only endpoints that can hold "
                    "answers to a schema keep to it."
                )
            )
    if new is not None and new.schema is None and "{schema}" in system + template:
        st.warning(_("{schema} stays empty: neither this prompt nor the set has a JSON schema."))
    _prompt_names.warn(eval_set, system, template)
    saved = st.button(_("Save as a new version"), type="primary", key=f"{form}.save", disabled=new is None)
    if new is None:
        return
    if st.toggle(_("Show it on a real sample"), key=f"{form}.see"):
        _prompt_preview.show(new, eval_set, f"{form}.preview")
    if not saved:
        return
    if any(new.prompt_id == known.prompt_id for _name, known in ladder.rungs):
        st.info(_("The ladder has a prompt with exactly this text already, so there is nothing new to save."))
        return
    _save(eval_set, list({**dict(ladder.rungs), rung: new}.items()))


def choose_examples(eval_set: EvalSet, chosen: tuple[Example, ...], form: str) -> tuple[Example, ...]:
    """A picker over approved train samples; until people approved some, over train samples with a reference."""
    found, approved = examples.candidates(session.conn(), eval_set.eval_set_id)
    known = {one.sample_id: one for one in (*chosen, *found)}
    picked = st.multiselect(
        _("Solved examples that the model is shown"),
        list(known),
        default=[one.sample_id for one in chosen],
        format_func=lambda one: f"{known[one].input[:70]} → {known[one].answer[:40]}",
        help=_("Only from the part that may be learned from; never from the final proof or what must not break."),
        placeholder=plain("Choose samples"),
        key=f"{form}.examples",
    )
    if not approved and found:
        st.caption(_("Nobody has approved an answer yet, so the references of the file are offered."))
    return tuple(known[one] for one in picked)


def fill_in(eval_set: EvalSet, key: str) -> None:
    """The four rungs from what somebody who knows the business writes."""
    form = parts.fresh(key)
    job = st.text_area(_("A: What is the model to do?"), placeholder=plain("You sort messages to the card desk…"),
                       key=f"{form}.job")  # fmt: skip
    ask = st.text_input(
        _("How a question is put"),
        plain("Message: {input} / Answer:"),
        help=_("{input} is where the question goes; a slash begins a new line."),
        key=f"{form}.ask",
    )
    st.markdown(_("B: solved examples"))
    shown = choose_examples(eval_set, (), form)
    steps = st.text_area(_("C: Which steps does a good colleague take, and by which rules?"), key=f"{form}.steps")
    answer = st.text_area(_("D: What must the answer look like, exactly?"), key=f"{form}.form")
    _prompt_names.warn(eval_set, "\n".join((job, steps, answer)), ask)
    if st.button(_("Save these four prompts"), type="primary", key=f"{form}.save"):
        with session.refusing():
            ask_lines = "\n".join(part.strip() for part in ask.split("/"))
            rungs = ladder_templates.filled(job=job, ask=ask_lines, steps=steps, form=answer, shown=shown)
            parts.renew(key)
            _save(eval_set, list({prompt.prompt_id: (rung, prompt) for rung, prompt in reversed(rungs)}.values())[::-1])


def _save(eval_set: EvalSet, rungs: list[tuple[str, Prompt]]) -> None:
    with session.refusing():
        prompts.save_ladder(
            session.conn(),
            by=session.person(),
            task_id=eval_set.task_id,
            eval_set_name=eval_set.name,
            rungs=rungs,
        )
        session.keep_message(N_("Saved. The next ladder run uses the new version; older runs keep theirs."))
        st.rerun()
