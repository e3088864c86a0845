"""The form that answers must have: a JSON schema to write, to load or to take from references, told field by field."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.evaluation import answer_schemas
from core.evaluation.answer_schemas import Field
from core.evaluation.eval_sets import EvalSet
from core.evaluation.prompts import Prompt
from core.locale.mark import N_
from pages._ui import session
from pages._ui.session import _, plain

TYPES = {
    "string": N_("text"),
    "number": N_("number"),
    "integer": N_("whole number"),
    "boolean": N_("yes or no"),
    "array": N_("list"),
    "object": N_("fields of its own"),
    "null": N_("nothing"),
}


def write(eval_set: EvalSet, start: Prompt, form: str) -> str:
    """The text of the prompt's own schema; empty when it has none, and then that of the set counts."""
    own = st.toggle(
        _("Hold the answer to a JSON schema of its own"),
        bool(start.schema),
        help=_(
            "Endpoints that can are held to it, and {schema} in the text shows it to the model. Without one, that of "
            "the set counts, if it has one. Answers are scored by that of the set in any case."
        ),
        key=f"{form}.schema.own",
    )
    if not own:
        return ""
    key = f"{form}.schema"
    st.session_state.setdefault(key, _text(start.schema or eval_set.schema or {}))
    left, right = st.columns(2, vertical_alignment="bottom")
    file = left.file_uploader(_("From a file"), type=["json"], key=f"{key}.file")
    if file is not None and st.session_state.get(f"{key}.read") != file.file_id:
        st.session_state[f"{key}.read"] = file.file_id
        st.session_state[key] = file.getvalue()[: 4 * answer_schemas.LONGEST].decode("utf-8-sig", "replace")
    if right.button(_("Make it from the set's references"), key=f"{key}.propose"):
        with session.refusing():
            st.session_state[key] = _text(answer_schemas.propose(session.conn(), eval_set))
    return str(st.text_area(_("JSON schema of the answer"), height=260, key=key))


def show(schema: Mapping[str, Any]) -> None:
    """The fields of an answer as a table."""
    known = answer_schemas.fields(schema)
    if not known:
        st.caption(_("The schema names no fields."))
        return
    st.dataframe(
        [
            {
                plain("Field"): field.name,
                plain("Type"): _type(field),
                plain("Required"): field.required,
                plain("Allowed values"): ", ".join(field.values),
                plain("Meaning"): field.note,
            }
            for field in known
        ],
        hide_index=True,
    )


def _type(field: Field) -> str:
    if field.types:
        return ", ".join(plain(TYPES.get(word, word)) for word in field.types)
    return plain("one of the values") if field.values else plain("anything")


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2) if schema else ""
