"""Validators of JSON answers that fetch nothing and never take long, whatever the schema's patterns are like.

The library's own searches go back and forth without end on an unlucky pattern: `^(a+)+$` takes 39 s on 28 letters.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import regex
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry

SECONDS = 0.2
"""What all patterns together may take on one answer."""

_deadline: ContextVar[float] = ContextVar("deadline")


@contextmanager
def in_time() -> Iterator[None]:
    """Patterns that are searched inside end within `SECONDS`, or with a TimeoutError."""
    token = _deadline.set(time.monotonic() + SECONDS)
    try:
        yield
    finally:
        _deadline.reset(token)


def of(schema: Mapping[str, Any]) -> Draft202012Validator:
    """The schema's validator, for use inside `in_time`. Raises SchemaError, re.error or regex.error on a broken one."""
    return _of(json.dumps(schema, sort_keys=True))


@lru_cache
def _of(text: str) -> Draft202012Validator:
    schema = json.loads(text, object_hook=_plain)
    Draft202012Validator.check_schema(schema)
    if '"unevaluatedProperties"' in text and '"patternProperties"' in text:
        raise SchemaError("unevaluatedProperties together with patternProperties")
    return _Timed(schema, registry=Registry())


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    """Without a dialect of its own, by which the library would choose its own validator for this part."""
    return {name: rule for name, rule in part.items() if name != "$schema" or not isinstance(rule, str)}


def _found(pattern: str, text: str) -> bool:
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return regex.search(pattern, text, timeout=left) is not None


def _pattern(validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(value, "string") and not _found(pattern, value):
        yield ValidationError(f"{value!r:.80} does not match {pattern!r:.80}")


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], value: Any, _schema: Any) -> Iterator[Any]:
    for pattern, rule in patterns.items() if validator.is_type(value, "object") else ():
        for name, part in value.items():
            if _found(pattern, name):
                yield from validator.descend(part, rule, path=name, schema_path=pattern)


def _additional_properties(validator: Any, rule: Any, value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """The library's rule on the names that neither `properties` nor a pattern speaks for."""
    if validator.is_type(value, "object"):
        patterns = schema.get("patternProperties", {})
        others = {name: part for name, part in value.items() if name not in schema.get("properties", {})}
        extra = {name: part for name, part in others.items() if not any(_found(one, name) for one in patterns)}
        yield from Draft202012Validator.VALIDATORS["additionalProperties"](validator, rule, extra, {})


_Timed = validators.extend(
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
)
