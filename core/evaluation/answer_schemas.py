"""JSON schemas that people write for answers: checked before they are kept, and told field by field."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import duckdb
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from core.errors import Refusal
from core.evaluation.eval_sets import EvalSet
from core.locale.mark import N_
from core.scoring import schemas, strict_json

LONGEST = 50_000
"""Characters of a schema; it goes with every question."""
MOST_FIELDS = 200
DEEPEST = 6
"""Levels of fields inside fields that are told."""
MOST_READ = 2_000
"""References that a schema is made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an answer. `name` has its way in it, as in `customer.name` or `items[]`."""

    name: str
    types: tuple[str, ...]
    """JSON's own words: string, number, integer, boolean, array, object, null; none where anything will do."""
    required: bool
    values: tuple[str, ...]
    """The allowed values, as JSON; none where they are not listed."""
    note: str


def read(text: str) -> dict[str, Any]:
    """The schema in the text. Raises Refusal when it is no JSON object, no JSON schema, or refers to anything but its
    own parts: nothing is ever fetched."""
    if len(text) > LONGEST:
        raise Refusal(
            N_("The schema has %(length)s characters; at most %(limit)s can go with every question. Shorten it."),
            length=f"{len(text):,}",
            limit=f"{LONGEST:,}",
        )
    found, problem = strict_json.read(text)
    if not isinstance(found, dict) or not found:
        raise Refusal(
            N_('The schema must be one JSON object, such as {"type": "object", "properties": …}. %(problem)s'),
            problem=problem,
        )
    try:
        Draft202012Validator.check_schema(found, format_checker=Draft202012Validator.FORMAT_CHECKER)
        targets = list(_references(found))
    except SchemaError as error:
        raise Refusal(
            N_("This is no JSON schema: at %(place)s, %(problem)s. Correct it there."),
            place="/".join(map(str, error.absolute_path)) or "/",
            problem=error.message[:300],
        ) from error
    except RecursionError as error:
        raise Refusal(N_("The schema is nested too deeply. Make it simpler.")) from error
    for target in targets:
        try:
            _resolved(found, {"$ref": target})
        except (Unresolvable, LookupError, ValueError) as error:
            raise Refusal(
                N_("The schema refers to “%(target)s”, which is no part of it. Only “#/…” can be referred to."),
                target=target[:100],
            ) from error
    return found


def fields(schema: Mapping[str, Any]) -> list[Field]:
    """The fields of an answer, from the outside to the inside, at most `MOST_FIELDS`."""
    return list(islice(_fields(schema, _resolved(schema, schema), "", DEEPEST), MOST_FIELDS))


def propose(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet) -> dict[str, Any]:
    """The set's schema, else what references outside of the locked part have in common, of at most `MOST_READ`.

    Raises Refusal when they are no JSON objects, or when there are none.
    """
    if eval_set.schema:
        return dict(eval_set.schema)
    query = """
        select p.reference from eval_set_samples as m join samples as p using (sample_id)
        where m.eval_set_id = ? and p.split in ('dev', 'train') and p.reference <> '' order by m.position limit ?
    """
    found = [text for (text,) in conn.execute(query, [eval_set.eval_set_id, MOST_READ]).fetchall()]
    if not found:
        raise Refusal(N_("No sample that may be looked at has a reference, so there is nothing to make a schema from."))
    return schemas.infer_schema(found)


def _fields(schema: Mapping[str, Any], rule: Mapping[str, Any], inside: str, deep: int) -> Iterator[Field]:
    properties, required = rule.get("properties"), rule.get("required")
    for name, part in properties.items() if isinstance(properties, dict) else ():
        where = f"{inside}.{name}" if inside else name
        yield from _field(schema, part, where, isinstance(required, list) and name in required, deep)
    if isinstance(rule.get("items"), dict):
        yield from _field(schema, rule["items"], f"{inside}[]", False, deep)


def _field(schema: Mapping[str, Any], part: Any, where: str, required: bool, deep: int) -> Iterator[Field]:
    rule = _resolved(schema, part) if isinstance(part, dict) else {}
    types = rule.get("type", ())
    values = rule.get("enum", [rule["const"]] if "const" in rule else [])
    yield Field(
        name=where,
        types=(types,) if isinstance(types, str) else tuple(map(str, types)),
        required=required,
        values=tuple(json.dumps(value, ensure_ascii=False) for value in values),
        note=str(rule.get("description") or rule.get("title") or ""),
    )
    if deep:
        yield from _fields(schema, rule, where, deep - 1)


def _references(part: Any) -> Iterator[str]:
    """What the schema refers to, wherever it does."""
    if isinstance(part, dict):
        for name in ("$ref", "$dynamicRef"):
            if isinstance(part.get(name), str):
                yield part[name]
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _references(inner)


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part itself, or what it refers to; a reference that leads nowhere else but back is an empty rule."""
    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    for _ in range(DEEPEST):
        target = part.get("$ref")
        if not isinstance(target, str):
            return part
        found = resolver.lookup(target).contents
        beside = {name: rule for name, rule in part.items() if name != "$ref"}
        part = {**found, **beside} if isinstance(found, dict) else beside
    return {}
