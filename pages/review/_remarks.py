"""What a rater may add to a verdict: error types, a note, the corrected answer."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.review.ratings import Item
from pages._ui import session
from pages._ui.session import _

TAKEN = "CRPFSTUVNEGDBWM"
"""Keys that mean something else: C and R to Streamlit, the others on the card or in the form."""
TYPED = ("note", "correction", "wrong")
"""The fields that the rater writes in."""


def show(item: Item, types: Sequence[Mapping[str, str]]) -> DeltaGenerator:
    """The fields as `fill` left them; their keys carry the answer's id. Returns the place under the correction."""
    chosen = error_types(item)
    left, right = st.columns(2, gap="medium")
    left.markdown(_("**If it fails: what is wrong?**"))
    with left.container(horizontal=True, gap="xsmall"):
        for one, letter in zip(types, letters([one["id"] for one in types]), strict=True):
            picked = one["id"] in chosen
            st.button(
                session.escape(session.either(one)),
                key=f"rate.type.{one['id']}.{item.answer_id}",
                shortcut=letter,
                type="primary" if picked else "secondary",
                icon=":material/check_box:" if picked else ":material/check_box_outline_blank:",
                help=session.escape(explained(one)) or None,
                on_click=_turn,
                args=(item, one["id"]),
            )
    left.text_input(
        _("Note"),
        key=f"rate.note.{item.answer_id}",
        on_change="ignore",
        placeholder=_("Note"),
        label_visibility="collapsed",
    )
    raised = flagged(item)
    left.button(
        _("Flag"),
        key=f"rate.flag.{item.answer_id}",
        shortcut="G",
        type="primary" if raised else "tertiary",
        icon=":material/flag_check:" if raised else ":material/flag:",
        help=_("Flag: somebody else should look at this one"),
        on_click=_flag,
        args=(item,),
    )
    right.text_area(
        _("Corrected answer"),
        key=f"rate.correction.{item.answer_id}",
        height=130,
        on_change="ignore",
    )
    return right


def letters(types: Sequence[str]) -> list[str | None]:
    """A key for each error type: the first letter of its id that is free, else any; None when all are taken."""
    given: list[str | None] = []
    for one in types:
        wanted = [letter for letter in one.upper() + ascii_uppercase if letter in ascii_uppercase]
        given.append(next((letter for letter in wanted if letter not in TAKEN and letter not in given), None))
    return given


def error_types(item: Item) -> tuple[str, ...]:
    """The error types chosen for the answer so far."""
    return tuple(st.session_state.get(f"rate.types.{item.answer_id}", ()))


def note(item: Item) -> str:
    return str(st.session_state.get(f"rate.note.{item.answer_id}") or "").strip()


def correction(item: Item) -> str | None:
    """The corrected answer, or None while it is the answer itself."""
    typed = str(st.session_state.get(f"rate.correction.{item.answer_id}", item.text) or "").strip()
    return None if typed == item.text.strip() else typed


def flagged(item: Item) -> bool:
    """Whether the rater asks that somebody else look at the answer."""
    return bool(st.session_state.get(f"rate.flagged.{item.answer_id}", False))


def keep(answer_id: str) -> None:
    """Hold what is typed, since Streamlit forgets a field that is not on the page; `fill` puts it back."""
    fields = {field: st.session_state.get(f"rate.{field}.{answer_id}") for field in TYPED}
    st.session_state[f"rate.kept.{answer_id}"] = {field: text for field, text in fields.items() if text is not None}


def fill(item: Item, judged: Mapping[str, Any] | None) -> None:
    """Before the fields are drawn: what was kept, else what the rater has said of the answer, else the answer."""
    answer_id = item.answer_id
    said: dict[str, Any] = {"correction": item.text}
    if judged is not None:
        said = {"types": tuple(judged["error_types"]), "flagged": judged["flagged"], "note": judged["note"]}
        said["correction"] = judged["correction"] or item.text
    for field, value in {**said, **st.session_state.pop(f"rate.kept.{answer_id}", {})}.items():
        st.session_state.setdefault(f"rate.{field}.{answer_id}", value)


def forget(answer_id: str) -> None:
    """Empty the fields of the answer."""
    for field in (*TYPED, "types", "flagged", "kept"):
        st.session_state.pop(f"rate.{field}.{answer_id}", None)


def _turn(item: Item, one: str) -> None:
    chosen = error_types(item)
    st.session_state[f"rate.types.{item.answer_id}"] = (
        tuple(other for other in chosen if other != one) if one in chosen else (*chosen, one)
    )


def _flag(item: Item) -> None:
    st.session_state[f"rate.flagged.{item.answer_id}"] = not flagged(item)


def explained(one: Mapping[str, str]) -> str:
    """When to choose the error type, in the reader's language; empty if the task does not say."""
    return session.either({language: one.get(f"help_{language}", "") for language in ("en", "zh")})
