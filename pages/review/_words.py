"""Words that several pages of this station share."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.locale.mark import N_
from core.review.rubrics import Rubric
from pages._ui import parts, persons, session
from pages._ui.session import _, plain

CHOICES = {
    "all": N_("all answers"),
    "failures": N_("those that fail a metric"),
    "disagreements": N_("those that raters disagreed about"),
    "critical": N_("those to critical samples"),
    "differences": N_("where versions differ"),
}
VERDICTS = {"pass": N_("Pass"), "fail": N_("Fail")}
PURPOSES = {"ladder": N_("Ladder"), "collect": N_("Collected"), "proof": N_("Proof"), "matrix": N_("Matrix")}


def queue_name(queue: dict[str, Any]) -> str:
    """The queue's own name, else its set and time; as plain text."""
    name = queue["set_name"]
    values = {"set": plain(name), "count": queue["total"], "when": parts.moment(queue["created_at"])}
    return str(queue["name"]) or plain("%(set)s · %(count)s answers of %(when)s", **values)


def left_out(count: int) -> None:
    """Why some answers are not shown, and how they come to be."""
    words = _(
        "%(count)s answers are not shown: you may still judge them yourself, so what others said stays hidden. Judge "
        "or skip them under Review, Rate first.",
        count=count,
    )
    st.info(words)


def states(queue: dict[str, Any]) -> str:
    """How many items are in which state; those in which there is none are left out."""
    words = {
        "done": _("%(done)s of %(total)s done", **queue),
        "disputed": _("%(disputed)s disputed", **queue),
        "needs_others": _("%(needs_others)s need others", **queue),
        "waiting": _("%(waiting)s waiting", **queue),
        "closed": _("%(closed)s closed", **queue),
    }
    return " · ".join(text for state, text in words.items() if queue[state] or state == "done")


def source(run: dict[str, Any]) -> str:
    """A run with answers, as an operator chooses it; plain text."""
    purpose, name = PURPOSES[run["purpose"]], run["set_name"]
    told = [plain(purpose), f"{plain(name)} v{run['version']} ({run['split']})", version(run)]
    return " · ".join([*told, parts.moment(run["created_at"]), str(run["answers"])])


def version(run: dict[str, Any]) -> str:
    """Prompt and model of a run; plain text."""
    prompt = run["prompt_name"]
    return f"{plain(prompt)} · {run['model_name']}"


ORIGINS = {
    "typed": N_("corrected in an expert's own words"),
    "reference": N_("corrected by the reference"),
    "rewritten": N_("rewritten by %(model)s in %(rounds)s rounds"),
    "edited": N_("rewritten by %(model)s in %(rounds)s rounds, then edited by an expert"),
}


def origin(row: Mapping[str, Any]) -> str:
    """Whose words a correction is, as an approval or candidate tells it; empty where that was not kept."""
    message = ORIGINS.get(row["written"], "")
    return _(message, model=row["rewriter"] or "–", rounds=row["rounds"] or 0) if message else ""


def guidelines(rubric: Rubric) -> None:
    """The lines that raters judge by, folded away; nothing where there are none."""
    lines = [line for line in session.either(rubric.guidelines).splitlines() if line.strip()]
    if lines:
        with st.expander(_("Guidelines")):
            st.markdown("\n".join(f"- {session.escape(line)}" for line in lines))


def texts(asked: str, answer: str, label: str = "") -> DeltaGenerator:
    """What was asked beside the answer, or what else the label names; returns the answer's side."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption(_("What was asked"))
        parts.text(asked)
    with right:
        st.caption(label or _("The answer"))
        parts.text(answer)
    return right


def ratings(said: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> None:
    """What each rater says of an answer, one under the other; `types` names the error types."""
    who = persons.names()
    for one in said:
        verdict = VERDICTS[one["verdict"]]
        points = [str(one["points"])] if one.get("points") else []
        named = [session.escape(types.get(kind, kind)) for kind in one["error_types"]]
        st.markdown(" · ".join([f"**{session.escape(who[one['rater']])}**: {_(verdict)}", *points, *named]))
        for label, text in ((_("Note"), one["note"]), (_("Corrected answer"), one["correction"])):
            if text:
                st.caption(label)
                parts.text(text)
