"""Words for scorers: their names, what they ask, and a scorer's definition as a sentence."""

from collections.abc import Mapping
from typing import Any

from core.locale.mark import N_
from pages._ui.session import plain
from pages.evaluation import _words

METHODS = {
    **_words.SCORERS,
    "numeric": N_("Same number"),
    "regex": N_("Pattern"),
    "ignored": N_("Left to people"),
}
EXPLAINED = {
    **_words.SCORERS_EXPLAINED,
    "numeric": N_(
        "Right when the number in the answer is that of the reference, within a tolerance. It reads 1,200, 1.2万, "
        "¥1200 and five percent written with its sign."
    ),
    "regex": N_(
        "Right when a pattern occurs in the answer. If the pattern has a group, what the group finds must be the "
        "reference."
    ),
    "ignored": N_("The field is not compared."),
}
KEPT = {
    "case": N_("Capital letters"),
    "width": N_("Full and half width"),
    "space": N_("White space"),
    "decoration": N_("Quotes and full stops around it"),
}
MEASURES = {
    "chrf": N_("chrF: shared character sequences, for every language"),
    "rouge": N_("ROUGE-L: longest shared sequence of words, or of Chinese characters"),
    "bleu": N_("BLEU: shared word sequences, as for translations"),
}
WHICH = {
    "only": N_("There must be only one"),
    "first": N_("The first one counts"),
    "last": N_("The last one counts"),
}
LANGUAGES = {
    "question": N_("The language of the question"),
    "zh": N_("Chinese"),
    "en": N_("English"),
}
CHECKS = {"length": N_("Length"), "language": N_("Language"), "citations": N_("Citations")}


def sentence(definition: Mapping[str, Any]) -> str:
    """A scorer in a line of plain text: its method, what is set, its checks."""
    method, options = definition["method"], definition.get("options", {})
    words = [plain(METHODS[method]), *_options(options)]
    for name, one in options.get("fields", {}).items():
        method = one["method"]
        words.append(f"{name}: {plain(METHODS[method])}")
    for one in definition.get("checks", ()):
        method = one["method"]
        words.append(plain("Check: %(name)s", name=plain(CHECKS[method])))
    return " · ".join(words)


def _options(options: Mapping[str, Any]) -> list[str]:
    words = []
    for name, value in options.items():
        if name == "keep":
            words += [plain("matters: %(what)s", what=plain(KEPT[one])) for one in value]
        elif name == "measure":
            words.append(plain(MEASURES[value]))
        elif name == "which":
            words.append(plain(WHICH[value]))
        elif name == "tolerance":
            words.append(f"± {value:g}")
        elif name == "percent":
            words.append(f"± {value:g}%")
        elif name in ("pattern", "units"):
            words.append(str(value))
    return words
