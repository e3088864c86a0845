"""Deterministic scores of one answer against its reference. Every input is untrusted text; none may raise."""

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from sacrebleu.metrics.chrf import CHRF

from core.errors import Refusal
from core.scoring import strict_json

CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
OPENING = " \"'“”‘’«»「『《〈【([{*_`"
CLOSING = OPENING + "」』》〉】)]}.,;:!?。、"
LONGEST_REASON = 200
SHORT = 40
"""Columns that a label or a fact takes at most; a CJK character takes two."""
MOST_LABELS = 30
LONGEST_OVERLAP = 50_000
"""Characters of an answer that chrF looks at; beyond them it would cost seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A value in 0..1, or None when it cannot be said; the reason tells why it is not 1."""

    metric: str
    value: float | None
    reason: str = ""


def score(scorer: str, answer_text: str, reference: str, schema: dict[str, Any] | None = None) -> list[Score]:
    """All metrics of the scorer, in the order of `metrics`.

    - json: "correct" compares the reference's fields with the first JSON object in the answer, whatever stands around
      it; "field:<name>" does so for one field; "valid" asks whether the whole answer is JSON that fits the schema.
      Content and format are different errors.
    - exact: the same text up to width, case, white space, and quotes and full stops around it.
    - contains: one of the reference's alternatives (`a|b`) occurs as a whole word; inside CJK text, anywhere.
    - overlap: chrF, in 0..1. It ranks drafts for people to judge and never says "correct".
    """
    scores = _scorer(scorer)(answer_text, reference, schema)
    return [Score(metric=each.metric, value=each.value, reason=_clean(each.reason)[:LONGEST_REASON]) for each in scores]


def metrics(scorer: str, fields: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the scorer's metrics, the one to lead with first; `fields` are the reference's."""
    _scorer(scorer)
    if scorer == "json":
        return ("correct", "valid", *(f"field:{name}" for name in fields))
    return ("overlap",) if scorer == "overlap" else ("correct",)


def suggest(references: Sequence[str]) -> str:
    """The scorer that fits a set with these references; long or absent ones are left to people, with "overlap"."""
    texts = [text for text in references if text.strip()]
    if texts and all(isinstance(strict_json.read(text)[0], dict) for text in texts):
        return "json"
    if not texts or max(_width(text) for text in texts) > SHORT:
        return "overlap"
    return "exact" if _few(texts) and not any("|" in text for text in texts) else "contains"


def infer_schema(references: Sequence[str]) -> dict[str, Any]:
    """The JSON schema that these JSON objects share: fields, types, and the allowed values where they recur."""
    records = []
    for row, text in enumerate(references, 1):
        record = strict_json.read(text)[0]
        if not isinstance(record, dict):
            raise Refusal("Reference %(row)s is not a JSON object; a schema needs all of them to be.", row=row)
        records.append(record)
    names = list(dict.fromkeys(name for record in records for name in record))
    return {
        "type": "object",
        "properties": {name: _property([record[name] for record in records if name in record]) for name in names},
        "required": [name for name in names if all(name in record for record in records)],
        "additionalProperties": False,
    }


def _property(values: Sequence[Any]) -> dict[str, Any]:
    if all(isinstance(value, str) for value in values) and _few(values):
        return {"enum": sorted(set(values))}
    types = {_TYPES[type(value)] for value in values}
    if "number" in types:
        types.discard("integer")
    return {"type": types.pop() if len(types) == 1 else sorted(types)}


def _few(texts: Sequence[str]) -> bool:
    """Whether these are labels: a limited number of them, each used twice on average."""
    distinct = len(set(texts))
    return distinct <= MOST_LABELS and 2 * distinct <= len(texts)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _scorer(name: str) -> Callable[[str, str, dict[str, Any] | None], list[Score]]:
    if name not in _BY_NAME:
        raise Refusal("There is no scorer %(name)s; choose one of %(known)s.", name=name, known=", ".join(SCORERS))
    return _BY_NAME[name]


def _json(answer: str, reference: str, schema: dict[str, Any] | None) -> list[Score]:
    valid = _valid(answer, schema)
    wanted, _ = strict_json.read(reference)
    if not isinstance(wanted, dict) or not wanted:
        return [Score(metric="correct", value=None, reason="The reference is not a JSON object with fields."), valid]
    found, problem = strict_json.first_object(answer)
    fields = [_field(name, value, found, problem) for name, value in wanted.items()]
    wrong = [field.metric.removeprefix("field:") for field in fields if field.value != 1]
    reason = problem or (f"Wrong: {', '.join(wrong)}." if wrong else "")
    return [Score(metric="correct", value=float(not wrong), reason=reason), valid, *fields]


def _field(name: str, wanted: Any, found: dict[str, Any] | None, problem: str) -> Score:
    metric = f"field:{name}"
    if found is None:
        return Score(metric=metric, value=0.0, reason=problem)
    if name not in found:
        return Score(metric=metric, value=0.0, reason="The field is missing.")
    try:
        equal = _key(found[name]) == _key(wanted)
        return Score(metric=metric, value=float(equal), reason="" if equal else f"It says {found[name]!r:.80}.")
    except RecursionError:
        return Score(metric=metric, value=0.0, reason=strict_json.TOO_DEEP)


def _key(value: Any) -> Any:
    """The value in a form that compares as people do: text without case and width, true apart from 1."""
    if isinstance(value, str):
        return ("text", _folded(value).strip())
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, list):
        return [_key(item) for item in value]
    if isinstance(value, dict):
        return {name: _key(item) for name, item in value.items()}
    return value


def _valid(answer: str, schema: dict[str, Any] | None) -> Score:
    value, problem = strict_json.read(answer)
    if problem:
        return Score(metric="valid", value=0.0, reason=problem)
    if schema is None:
        return Score(metric="valid", value=1.0)
    try:
        error = next(_validator(json.dumps(schema, sort_keys=True)).iter_errors(value), None)
    except RecursionError:
        return Score(metric="valid", value=0.0, reason=strict_json.TOO_DEEP)
    except (SchemaError, Unresolvable, re.error) as broken:
        return Score(metric="valid", value=None, reason=f"The schema cannot be used: {broken!s:.100}")
    return Score(metric="valid", value=float(error is None), reason="" if error is None else str(error.message))


@lru_cache
def _validator(schema: str) -> Draft202012Validator:
    """A validator that never fetches anything, however the schema refers to it."""
    loaded = json.loads(schema)
    Draft202012Validator.check_schema(loaded)
    return Draft202012Validator(loaded, registry=Registry())


def _exact(answer: str, reference: str, _: dict[str, Any] | None) -> list[Score]:
    wanted = _bare(reference)
    if not wanted:
        return [Score(metric="correct", value=None, reason="The sample has no reference.")]
    equal = _bare(answer) == wanted
    return [Score(metric="correct", value=float(equal), reason="" if equal else "The answer is another text.")]


def _contains(answer: str, reference: str, _: dict[str, Any] | None) -> list[Score]:
    alternatives = [bare for part in reference.split("|") if (bare := _numbers(_bare(part)))]
    if not alternatives:
        return [Score(metric="correct", value=None, reason="The sample has no reference.")]
    text = f" {_numbers(_spaced(answer))} "
    found = any(_whole(alternative).search(text) for alternative in alternatives)
    return [Score(metric="correct", value=float(found), reason="" if found else "The answer does not contain it.")]


@lru_cache(maxsize=10_000)  # one takes 11 ms to compile, and a set's references come again with every run
def _whole(words: str) -> re.Pattern[str]:
    """Finds the words not as part of a longer word or number; a CJK character has no word around it."""
    word = rf"[^\W{CJK}]"
    before, after = "", ""
    if re.match(word, words):
        before = rf"(?<!{word})" + (r"(?<!\d[.,])(?<!\s-)" if words[0].isdigit() else "")
    if re.match(word, words[-1]):
        after = rf"(?!{word})" + (r"(?![.,]\d)" if words[-1].isdigit() else "")
    return re.compile(before + re.escape(words) + after)


def _overlap(answer: str, reference: str, _: dict[str, Any] | None) -> list[Score]:
    wanted = unicodedata.normalize("NFKC", reference).strip()
    if not wanted:
        return [Score(metric="overlap", value=None, reason="The sample has no reference.")]
    given = unicodedata.normalize("NFKC", answer[:LONGEST_OVERLAP])
    return [Score(metric="overlap", value=CHRF().sentence_score(given, [wanted[:LONGEST_OVERLAP]]).score / 100)]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _spaced(text: str) -> str:
    return " ".join(_folded(text).replace("\u2212", "-").split())


def _bare(text: str) -> str:
    spaced = _spaced(text)
    return spaced.lstrip(OPENING).rstrip(CLOSING) or spaced


def _numbers(text: str) -> str:
    """1,200 as 1200; a comma that does not part thousands stays."""
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


_BY_NAME = {"json": _json, "exact": _exact, "contains": _contains, "overlap": _overlap}
SCORERS = tuple(_BY_NAME)
_TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}
