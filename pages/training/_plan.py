"""What a new trial would learn from, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from core.access import people, roles
from core.evaluation import models
from core.evaluation.models import Model
from core.locale.mark import N_
from core.training import drafts, recipes, waivers
from core.training.drafts import Draft
from core.training.recipes import RANGES, Method, Recipe
from pages._ui import parts, persons, session
from pages._ui.session import _, plain

METHODS: dict[Method, str] = {
    "sft": N_("SFT: write the approved answer"),
    "dpo": N_("DPO: prefer the approved answer to a worse one"),
}
WEIGHTS = {
    False: N_("LoRA: the base's weights as they are"),
    True: N_("QLoRA: the base's weights in 4 bits (NF4)"),
}
MOST_PAIRS = 200
FIELDS = {
    "epochs": (N_("Epochs"), N_("How often each sample is seen. Too often, and it is learned by heart."), "1–6"),
    "learning_rate": (
        N_("Learning rate"),
        N_("The size of a step. Halve it when the loss jumps about."),
        "0.0001–0.001; DPO 0.000005–0.00001",
    ),
    "batch_size": (N_("Batch size"), N_("Samples per step. Smaller needs less memory and is less steady."), "4–32"),
    "rank": (N_("Rank"), N_("How much the adapter can hold. 16 is enough for hundreds of samples."), "8–64"),
    "replay_share": (
        N_("General samples mixed in"),
        N_("Part of general questions with the model's own answers, so that it forgets less. 0 switches it off."),
        "0.10–0.30",
    ),
    "holdout": (
        N_("Held out to watch"),
        N_("Part of the rows that is not learned from: each epoch it shows whether learning still helps."),
        "0–0.20",
    ),
    "patience": (N_("Patience"), N_("Epochs without any gain on held-out rows before training ends."), "1–2"),
    "seed": (N_("Seed"), N_("Where chance begins. Another one shows how much of the result is luck."), "0–9999"),
}
"""Each setting's name, what it does, and the range in which it is usually right."""


WORDS = {
    "typed": N_("an expert's"),
    "reference": N_("the reference's"),
    "rewritten": N_("a model's"),
    "edited": N_("a model's, edited by an expert"),
}
"""Whose words a correction is, as core/review/repair.py finds it out."""


def show_rows(draft: Draft) -> None:
    """How many approved samples there are to learn from, and which are left out for whose sake."""
    counts = {"rows": len(draft.rows), "as_is": draft.origins["as_is"], "corrected": draft.origins["corrected"]}
    said = _("It learns from **%(rows)s approved samples**: %(as_is)s as they are, %(corrected)s corrected", **counts)
    if made := draft.origins["teacher"]:
        said += _(", %(count)s made by a teacher", count=made)
    st.markdown(said + _("."))
    for (teacher, licence), rows in draft.teachers.items():
        st.caption(_("%(rows)s answers of %(teacher)s: %(licence)s", rows=rows, teacher=teacher, licence=licence))
    if not draft.rows:
        st.info(_("Rate answers to train samples and approve them first."))
        parts.link("review/approvals.py", _("Go to Approvals"), "fact_check")
    else:
        with st.expander(_("What they are made of")):
            _show_composition(draft)
    if draft.left_out:
        with st.expander(_("%(count)s left out: too much like gate or retain samples", count=len(draft.left_out))):
            _show_left_out(draft)
    if draft.rows and st.toggle(
        _("Look for the same question in other words"),
        key="trial.paraphrases",
        help=_("Measures of letters miss a paraphrase. These are the likest pairs of an approved and a locked sample, "
               "for you to read."),
    ):  # fmt: skip
        _show_paraphrases(draft)


def _show_composition(draft: Draft) -> None:
    """Rows by whose words corrections are, language, approver and tag: a one-sided mix is seen before it is learned."""
    made, who = draft.composition, persons.names()
    languages = {"zh": plain("Chinese"), "other": plain("Other languages")}
    rows = [
        *(
            (plain("Words of the correction"), plain(WORDS[name]), made["written"][name])
            for name in WORDS
            if name in made["written"]
        ),
        *((plain("Rewritten by"), name, count) for name, count in made["rewriters"].most_common()),
        *((plain("Language"), languages[name], count) for name, count in made["languages"].items()),
        *((plain("Approved by"), who[name], count) for name, count in made["authors"].most_common()),
        *((plain("Tag"), name, count) for name, count in made["tags"].most_common()),
    ]
    columns = [plain("By"), plain("Value"), plain("Rows")]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True)


def _show_paraphrases(draft: Draft) -> None:
    pairs = drafts.paraphrases(session.conn(), session.task().task_id, draft)
    if not pairs:
        st.caption(_("No pair has even a third of its letters in common."))
        return
    _show_pairs(pairs[:MOST_PAIRS])
    st.caption(_("%(count)s pairs. Where one asks the same, withdraw the approval under Review, Approvals.",
                 count=len(pairs)))  # fmt: skip


def _show_pairs(pairs: Sequence[Mapping[str, Any]]) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                plain("Approved sample"): [pair["input"] for pair in pairs],
                plain("Locked sample"): [pair["locked_input"] for pair in pairs],
                plain("Its key"): [pair["locked_key"] for pair in pairs],
                plain("Likeness of 100"): [pair["likeness"] for pair in pairs],
            }
        ),
        hide_index=True,
    )


def _show_left_out(draft: Draft) -> None:
    _show_pairs(draft.left_out)
    person = session.person()
    if not roles.may(person, "approve"):
        st.caption(_("An approver can sign for a pair that is alike by accident."))
        return
    local = people.has_password(session.conn(), person.person_id)
    if not local:
        parts.confirmation(person.name, waivers.FORM)
    with st.form(parts.fresh("trial.waiver"), border=False):
        pair = st.selectbox(
            _("Use one all the same"),
            draft.left_out,
            index=None,
            placeholder=_("Choose"),
            format_func=lambda one: f"{one['locked_key']}: {one['input'][:80]}",
        )
        reason = st.text_input(_("Reason"))
        password = st.text_input(_("Your password, as a signature"), type="password") if local else ""
        if st.form_submit_button(_("Sign")) and pair:
            names = {name: pair[name] for name in ("sample_id", "locked_sample_id")}
            with session.refusing():
                waivers.sign(session.conn(), by=person, password=password, reason=reason,
                             task_id=session.task().task_id, **names)  # fmt: skip
                parts.renew("trial.waiver")
                st.rerun()


def method() -> Method:
    """What is learned from an approval: the answer, or that it is better than the original."""
    chosen: Method = st.segmented_control(
        _("Method"),
        list(METHODS),
        format_func=lambda one: plain(METHODS[one]),
        default="sft",
        required=True,
        key="trial.method",
        help=_(
            "Begin with SFT. DPO comes after it and needs about %(pairs)s answers with a worse one: corrected, made by "
            "a teacher, or preferred in a blind comparison.",
            pairs=recipes.PAIRS,
        ),
    )
    return chosen


def recipe(rows: int, method: Method) -> Recipe | None:
    """The settings, the usual ones unless somebody changes them; None when they cannot be used."""
    usual = recipes.default(rows, method)
    changed: dict[str, Any] = {}
    with st.expander(_("Advanced settings")):
        changed["quantized"] = st.segmented_control(
            _("Weights"),
            list(WEIGHTS),
            format_func=lambda one: plain(WEIGHTS[one]),
            default=False,
            required=True,
            key="trial.quantized",
            help=_("4 bits need a quarter of the memory. On a processor they are slower; answers are as good."),
        )
        columns = st.columns(2, gap="medium")
        for place, (name, (label, help_text, safe)) in enumerate(FIELDS.items()):
            value = getattr(usual, name)
            least, most = (type(value)(bound) for bound in RANGES[name])
            step = {"learning_rate": 1e-4, "replay_share": 0.05, "holdout": 0.05}.get(name, 1)
            if name == "learning_rate" and method == "dpo":
                step = 1e-6
            changed[name] = columns[place % 2].number_input(
                _(label),
                least,
                most,
                value,
                step,
                format={"learning_rate": "%.6f", "replay_share": "%.2f", "holdout": "%.2f"}.get(name),
                key=f"trial.{name}.{value}",
                help=_("%(help)s Usual range: %(safe)s.", help=plain(help_text), safe=safe),
                disabled=name == "replay_share" and method == "dpo",
            )
    with session.refusing():
        return replace(usual, **changed)
    return None


def goes_on(base: Model) -> Model | None:
    """A tuned model of the same base to go on from, or None for a new adapter."""
    known = [one for one in models.offered(session.conn()) if one.base_model_id == base.model_id]
    if not known:
        return None
    return st.selectbox(
        _("Goes on from"),
        [None, *reversed(known)],
        format_func=lambda one: one.name if one else plain("The base model"),
        key="trial.goes_on",
        help=_("DPO usually goes on from a model that SFT has taught. The base stays the reference."),
    )
