"""JSON answers: does it parse, does it fit the schema, are the required fields there, is each field right."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing.exceptions import Unresolvable

from core.scoring import cases, strict_json, texts, validators
from core.scoring.cases import Case, Method, Score

NO_OBJECT = "The reference is not a JSON object with fields."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A field that is left to people."""

    VERSION: ClassVar[int] = 1

    def score(self, case: Case) -> list[Score]:
        return []

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        return ()

    def parsed(self, answer: str) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Json:
    """Content and format apart.

    - "correct": every field of the reference has its value in the first JSON object of the answer, whatever stands
      around it; "field:<name>" says so for one field. `fields` gives single fields a method of their own. One with an
      overlap method is shown as "overlap:<name>" and has no say in "correct".
    - "valid": the whole answer is JSON that fits the schema. "parses": it is JSON at all. "complete": the share of
      the required fields that are there and fit the schema, in the first JSON object.
    """

    VERSION: ClassVar[int] = 1
    fields: Mapping[str, Method] = field(default_factory=dict)

    def score(self, case: Case) -> list[Score]:
        wanted, _ = strict_json.read(case.reference)
        format_scores = _format(case.answer, case.schema, list(wanted) if isinstance(wanted, dict) else [])
        if not isinstance(wanted, dict) or not wanted:
            return [cases.unknown(NO_OBJECT), *format_scores]
        found, problem = strict_json.first_object(case.answer)
        single = [score for name in wanted for score in self._field(name, wanted[name], found, problem)]
        compared = [score for score in single if score.metric.startswith("field:")]
        wrong = [score.metric.removeprefix("field:") for score in compared if score.value == 0]
        open_fields = [score.metric.removeprefix("field:") for score in compared if score.value is None]
        if wrong or problem:
            lead = cases.correct(False, problem or f"Wrong: {', '.join(wrong)}.")
        elif open_fields or not compared:
            lead = cases.unknown(f"Not known: {', '.join(open_fields)}." if open_fields else "No field is compared.")
        else:
            lead = cases.correct(True, "")
        return [lead, *format_scores, *single]

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        single = [metric for name in fields for metric in self._names(name)]
        return ("correct", "valid", "parses", "complete", *single)

    def parsed(self, answer: str) -> str:
        found, _ = strict_json.first_object(answer)
        try:
            return texts.bare(answer) if found is None else repr(_key(found))
        except RecursionError:
            return texts.bare(answer)

    def _names(self, name: str) -> list[str]:
        method = self.fields.get(name)
        if method is None:
            return [f"field:{name}"]
        return [f"{'overlap' if lead == 'overlap' else 'field'}:{name}" for lead in method.metrics()[:1]]

    def _field(self, name: str, wanted: Any, found: dict[str, Any] | None, problem: str) -> list[Score]:
        for metric in self._names(name):
            if found is None:
                return [Score(metric=metric, value=0.0, reason=problem)]
            if name not in found:
                return [Score(metric=metric, value=0.0, reason="The field is missing.")]
            method = self.fields.get(name)
            try:
                if method is not None:
                    lead = method.score(Case(answer=_text(found[name]), reference=_text(wanted)))[0]
                    return [Score(metric=metric, value=lead.value, reason=lead.reason)]
                same = _key(found[name]) == _key(wanted)
                return [Score(metric=metric, value=float(same), reason="" if same else f"It says {found[name]!r:.80}.")]
            except RecursionError:
                return [Score(metric=metric, value=0.0, reason=strict_json.TOO_DEEP)]
        return []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _key(value: Any) -> Any:
    """The value in a form that compares as people do: text without case and width, true apart from 1."""
    if isinstance(value, str):
        return ("text", texts.folded(value).strip())
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, list):
        return [_key(item) for item in value]
    if isinstance(value, dict):
        return {name: _key(value[name]) for name in sorted(value)}
    return value


def _format(answer: str, schema: Mapping[str, Any] | None, fields: Sequence[str]) -> list[Score]:
    """Three rates that say different things: valid, parses, complete."""
    value, problem = strict_json.read(answer)
    parses = Score(metric="parses", value=float(not problem), reason=problem)
    try:
        validator = validators.of(schema) if schema else None
        with validators.in_time():
            valid = _valid(value, validator) if not problem else Score(metric="valid", value=0.0, reason=problem)
        with validators.in_time():
            return [valid, parses, _complete(answer, schema or {}, validator, fields)]
    except TimeoutError:
        reason = f"The schema's patterns took longer than {validators.SECONDS:g} s on this answer."
        return [cases.unknown(reason, "valid"), parses, cases.unknown(reason, "complete")]
    except (RecursionError, SchemaError, Unresolvable, re.error, regex.error) as broken:
        if isinstance(broken, RecursionError):
            spoiled = [Score(metric=metric, value=0.0, reason=strict_json.TOO_DEEP) for metric in ("valid", "complete")]
        else:
            reason = f"The schema cannot be used: {broken!s:.100}"
            spoiled = [cases.unknown(reason, metric) for metric in ("valid", "complete")]
            if problem:
                spoiled[0] = Score(metric="valid", value=0.0, reason=problem)
        return [spoiled[0], parses, spoiled[1]]


def _valid(value: Any, validator: Draft202012Validator | None) -> Score:
    error = next(validator.iter_errors(value), None) if validator else None
    return Score(metric="valid", value=float(error is None), reason="" if error is None else str(error.message))


def _complete(
    answer: str, schema: Mapping[str, Any], validator: Draft202012Validator | None, fields: Sequence[str]
) -> Score:
    required = [str(name) for name in schema.get("required", fields)]
    if not required:
        return cases.unknown("No field is required.", "complete")
    found, problem = strict_json.first_object(answer)
    if found is None:
        return Score(metric="complete", value=0.0, reason=problem)
    spoiled = (
        {str(error.absolute_path[0]) for error in validator.iter_errors(found) if error.absolute_path}
        if (validator)
        else set()
    )
    lacking = [name for name in required if name not in found or name in spoiled]
    reason = f"Missing or not as agreed: {', '.join(lacking)}." if lacking else ""
    return Score(metric="complete", value=1 - len(lacking) / len(required), reason=reason)
