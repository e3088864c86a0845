"""The form of a scorer: a method with its options, single fields, and checks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.scoring import scorers
from core.scoring.cases import Method
from core.scoring.scorers import Scorer
from pages._ui import parts
from pages._ui.session import _, plain
from pages.evaluation import _scorer_words as words


def ask(current: Scorer, fields: Sequence[str], key: str) -> Scorer:
    """The scorer as the form says it, beginning with the current one. Raises Refusal when it cannot be."""
    defined = current.definition
    names = [name for name in scorers.METHODS if name != "json" or fields or current.name == "json"]
    name = parts.select(
        _("An answer is judged by"),
        names,
        index=names.index(current.name),
        format_func=lambda one: plain(words.METHODS[one]),
        key=f"{key}.method",
    )
    st.caption(_(words.EXPLAINED[name]))
    options = defined.get("options", {}) if name == current.name else {}
    asked = _json(fields, options, key) if name == "json" else ASK[name](options, f"{key}.{name}")
    return Scorer(
        method=scorers.make(name, scorers.METHODS, asked),
        checks=_checks({one["method"]: one.get("options", {}) for one in defined.get("checks", ())}, key),
    )


def _json(fields: Sequence[str], options: Mapping[str, Any], key: str) -> dict[str, Any]:
    known: Mapping[str, Any] = options.get("fields", {})
    special = st.multiselect(
        _("Fields that are judged in a way of their own"),
        fields,
        default=[name for name in fields if name in known],
        placeholder=plain("none"),
        help=_("All others are right when their value is the same, apart from case and width."),
        key=f"{key}.fields",
    )
    asked = {}
    for name in special:
        with st.container(border=True):
            st.markdown(_("Field “%(name)s”", name=name))
            was = known.get(name, {"method": "exact"})
            kinds = list(scorers.FIELD_METHODS)
            kind = parts.select(
                _("It is judged by"),
                kinds,
                index=kinds.index(was["method"]),
                format_func=lambda one: plain(words.METHODS[one]),
                key=f"{key}.field.{name}",
            )
            chosen = ASK[kind](was.get("options", {}) if kind == was["method"] else {}, f"{key}.field.{name}.{kind}")
            asked[name] = {"method": kind, "options": chosen}
    return {"fields": asked} if asked else {}


def _exact(options: Mapping[str, Any], key: str) -> dict[str, Any]:
    kept = st.pills(
        _("What matters after all"),
        list(words.KEPT),
        selection_mode="multi",
        default=list(options.get("keep", ())),
        format_func=lambda one: plain(words.KEPT[one]),
        help=_("None of these makes an answer wrong unless you choose it."),
        key=f"{key}.keep",
    )
    return {"keep": list(kept)}


def _overlap(options: Mapping[str, Any], key: str) -> dict[str, Any]:
    measures = list(words.MEASURES)
    st.warning(
        _(
            "Shared wording is not being right: “needs approval” and “does not need approval” share almost all of it. "
            "This can rank drafts for people; it never counts as correct and never passes a gate."
        )
    )
    chosen = parts.select(
        _("Measure"),
        measures,
        index=measures.index(options.get("measure", "chrf")),
        format_func=lambda one: plain(words.MEASURES[one]),
        key=f"{key}.measure",
    )
    return {"measure": chosen}


def _numeric(options: Mapping[str, Any], key: str) -> dict[str, Any]:
    left, middle, right = st.columns(3)
    tolerance = left.number_input(
        _("Tolerance"), 0.0, value=float(options.get("tolerance", 0)), format="%g", key=f"{key}.tolerance"
    )
    percent = middle.number_input(
        _("Tolerance in percent"),
        0.0,
        100.0,
        float(options.get("percent", 0)),
        format="%g",
        help=_("Of the reference. The wider of the two counts."),
        key=f"{key}.percent",
    )
    with right:
        which = parts.select(
            _("If the answer holds several numbers"),
            list(words.WHICH),
            index=list(words.WHICH).index(options.get("which", "only")),
            format_func=lambda one: plain(words.WHICH[one]),
            key=f"{key}.which",
        )
    units = st.text_input(
        _("Units, with what one of them is worth"),
        options.get("units", ""),
        placeholder="元, CNY; 角 = 0.1; 万元 = 10000",
        help=_("Names between commas are the same unit. Leave it empty if units do not matter."),
        key=f"{key}.units",
    )
    needed = st.checkbox(_("The answer must name a unit"), bool(options.get("unit_needed")), key=f"{key}.needed")
    return {"tolerance": tolerance, "percent": percent, "which": which, "units": units.strip(), "unit_needed": needed}


def _regex(options: Mapping[str, Any], key: str) -> dict[str, Any]:
    pattern = st.text_input(
        _("Pattern (regular expression)"),
        options.get("pattern", r"(?:answer|total)\s*:\s*(.+)"),
        help=_("A group in brackets is compared with the reference; (?: ) is no such group."),
        key=f"{key}.pattern",
    )
    any_case = st.checkbox(_("Capital letters do not matter"), options.get("any_case", True), key=f"{key}.case")
    return {"pattern": pattern, "any_case": any_case}


def _nothing(_options: Mapping[str, Any], _key: str) -> dict[str, Any]:
    return {}


ASK: dict[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "exact": _exact,
    "contains": _nothing,
    "overlap": _overlap,
    "numeric": _numeric,
    "regex": _regex,
    "ignored": _nothing,
}


def _checks(known: Mapping[str, Mapping[str, Any]], key: str) -> tuple[Method, ...]:
    chosen = st.pills(
        _("Also check, beside right and wrong"),
        list(words.CHECKS),
        selection_mode="multi",
        default=list(known),
        format_func=lambda one: plain(words.CHECKS[one]),
        key=f"{key}.checks",
    )
    found = []
    for name in chosen:
        options = dict(known.get(name, {}))
        if name == "length":
            left, right = st.columns(2)
            least, most = options.get("least", 1), options.get("most", 0)
            options["least"] = left.number_input(_("Fewest characters"), 0, value=least, key=f"{key}.least")
            options["most"] = right.number_input(_("Most characters (0: no limit)"), 0, value=most, key=f"{key}.most")
        elif name == "language":
            languages = list(words.LANGUAGES)
            options["language"] = parts.select(
                _("The answer has to be in"),
                languages,
                index=languages.index(options.get("language", "question")),
                format_func=lambda one: plain(words.LANGUAGES[one]),
                key=f"{key}.language",
            )
        else:
            st.caption(
                _(
                    "The answer cites passages of its context as [1], none that it was not given, and quotes them "
                    "as they are. Whether a passage supports what is said is for people to judge."
                )
            )
        found.append(scorers.make(name, scorers.CHECKS, options))
    return tuple(found)
