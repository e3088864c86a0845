"""Scorers: a method with its options, and checks beside it. Deterministic, named by content, never raising on text."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

from core import content
from core.errors import Refusal
from core.scoring import checks, json_fields, matching, numbers, overlaps, schemas, texts
from core.scoring.cases import Case, Method, Score

METHODS: dict[str, type[Method]] = {
    "json": json_fields.Json,
    "exact": matching.Exact,
    "contains": matching.Contains,
    "overlap": overlaps.Overlap,
    "numeric": numbers.Numeric,
    "regex": matching.Regex,
}
FIELD_METHODS: dict[str, type[Method]] = {
    **{name: METHODS[name] for name in ("exact", "contains", "numeric", "regex", "overlap")},
    "ignored": json_fields.Ignored,
}
"""Those for one field of a JSON answer; without one, a field is right when its value is the same."""
CHECKS: dict[str, type[Method]] = {
    "length": checks.Length,
    "language": checks.InLanguage,
    "citations": checks.Citations,
}
SCORERS = ("json", "exact", "contains", "overlap")
"""Methods that need no options, to choose from while a file is imported."""
LONGEST_REASON = 200

suggest, infer_schema = schemas.suggest, schemas.infer_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """One version. Its id stands beside every score, so that no two versions are ever mixed."""

    method: Method
    checks: tuple[Method, ...] = ()

    def __post_init__(self) -> None:
        order = list(CHECKS.values())
        object.__setattr__(self, "checks", tuple(sorted(self.checks, key=lambda check: order.index(type(check)))))

    @property
    def name(self) -> str:
        """The method's name, such as "exact"."""
        return _name(self.method, METHODS)

    @property
    def definition(self) -> dict[str, Any]:
        """All that decides the scores, as JSON can hold it; `read` takes it back."""
        defined = _define(self.method, METHODS)
        if self.checks:
            defined["checks"] = [_define(check, CHECKS) for check in self.checks]
        return defined

    @property
    def scorer_id(self) -> str:
        """The method's name as long as nothing is set; else with the hash of what is, versions of the code included."""
        return self.name if self.definition == {"method": self.name} else content.name(self.name, self.definition)


def read(definition: str | Mapping[str, Any]) -> Scorer:
    """The scorer so defined, or a method's name for the one without options. Raises Refusal on what is none."""
    defined: Mapping[str, Any] = {"method": definition} if isinstance(definition, str) else definition
    return Scorer(
        method=_make(defined, METHODS), checks=tuple(_make(check, CHECKS) for check in defined.get("checks", ()))
    )


def make(kind: str, known: Mapping[str, type[Method]], options: Mapping[str, Any]) -> Method:
    """One method or check with its options. Raises Refusal when they cannot be."""
    return _make({"method": kind, "options": options}, known)


def score(
    scorer: str | Scorer,
    answer_text: str,
    reference: str,
    schema: Mapping[str, Any] | None = None,
    *,
    question: str = "",
    context: str = "",
) -> list[Score]:
    """All metrics of the scorer, in the order of `metrics`; the docstrings of the methods say what they mean."""
    used = read(scorer) if isinstance(scorer, str) else scorer
    case = Case(answer=answer_text, reference=reference, schema=schema, question=question, context=context)
    found = [each for method in (used.method, *used.checks) for each in method.score(case)]
    return [
        Score(metric=each.metric, value=each.value, reason=texts.storable(each.reason)[:LONGEST_REASON])
        for each in found
    ]


def metrics(scorer: str | Scorer, fields: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the scorer's metrics, the one to lead with first; `fields` are the reference's."""
    used = read(scorer) if isinstance(scorer, str) else scorer
    return tuple(metric for method in (used.method, *used.checks) for metric in method.metrics(fields))


def proves(metric: str) -> bool:
    """Whether the metric can say that an answer is right. Shared wording, a judge, a format and a length never can."""
    return metric == "correct" or metric.startswith("field:")


def _name(method: Method, known: Mapping[str, type[Method]]) -> str:
    return next(name for name, kind in known.items() if kind is type(method))


def _define(method: Method, known: Mapping[str, type[Method]]) -> dict[str, Any]:
    defined: dict[str, Any] = {"method": _name(method, known)}
    options = {}
    for one in fields(method):  # type: ignore[arg-type]  # every method is a dataclass
        value = getattr(method, one.name)
        if isinstance(value, Mapping):
            value = {key: _define(each, FIELD_METHODS) for key, each in value.items()}
        if value != (one.default if one.default is not MISSING else {}):
            options[one.name] = list(value) if isinstance(value, tuple) else value
    if options:
        defined["options"] = options
    if method.VERSION > 1:
        defined["version"] = method.VERSION
    return defined


def _make(defined: Mapping[str, Any], known: Mapping[str, type[Method]]) -> Method:
    name = str(defined.get("method", ""))
    if name not in known:
        raise Refusal("There is no scorer %(name)s; choose one of %(known)s.", name=name, known=", ".join(known))
    kind = known[name]
    options = dict(defined.get("options", {}))
    if unknown := set(options) - {one.name for one in fields(kind)}:  # type: ignore[arg-type]
        raise Refusal("“%(option)s” cannot be set for this scorer.", option=min(unknown))
    if "fields" in options:
        options["fields"] = {key: _make(each, FIELD_METHODS) for key, each in dict(options["fields"]).items()}
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in options.items()})
