"""A schema for answers is checked before it is kept, told field by field, and never fetches anything."""

import json
from dataclasses import replace

import pytest

from core.errors import Refusal
from core.evaluation import answer_schemas
from tests.core.evaluation.test_eval_sets import rows, save, task_id  # noqa: F401  # fixtures

SCHEMA = {
    "type": "object",
    "properties": {
        "intent": {"enum": ["寄卡", "fee"], "description": "what they want"},
        "customer": {"$ref": "#/$defs/person"},
        "items": {"type": "array", "items": {"type": ["string", "null"]}},
    },
    "required": ["intent"],
    "$defs": {"person": {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}},
}


def test_a_schema_is_told_field_by_field_with_what_it_refers_to():
    read = answer_schemas.read(json.dumps(SCHEMA))
    assert read == SCHEMA
    told = [(one.name, one.types, one.required, one.values, one.note) for one in answer_schemas.fields(read)]
    assert told == [
        ("intent", (), True, ('"寄卡"', '"fee"'), "what they want"),
        ("customer", ("object",), False, (), ""),
        ("customer.age", ("integer",), True, (), ""),
        ("items", ("array",), False, (), ""),
        ("items[]", ("string", "null"), False, (), ""),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be one JSON object"),
        ("[1]", "must be one JSON object"),
        ('{"a": 1, "a": 2}', "a key is repeated"),
        ('{"type": "text"}', "at type, 'text' is not valid"),
        ('{"properties": {"a": {"pattern": "("}}}', "at properties/a/pattern"),
        ('{"$ref": "https://example.org/schema"}', "refers to “https://example.org/schema”"),
        ('{"properties": {"a": {"$ref": "#/$defs/none"}}}', "refers to “#/$defs/none”"),
        ('{"enum": [1], "items": {"$ref": "#/enum/x"}}', "refers to “#/enum/x”"),
        ('{"not": ' * 900 + "{}" + "}" * 900, "nested too deeply"),
        (" " * 50_001, "50,001 characters"),
    ],
)
def test_what_is_no_schema_of_its_own_is_refused_with_its_place(text, says):
    with pytest.raises(Refusal) as caught:
        answer_schemas.read(text)
    assert says in str(caught.value)


def test_a_schema_that_contains_itself_is_told_to_a_depth():
    endless = {"type": "object", "properties": {name: {"$ref": "#"} for name in "abc"}}
    assert len(answer_schemas.fields(answer_schemas.read(json.dumps(endless)))) == answer_schemas.MOST_FIELDS
    assert answer_schemas.fields(answer_schemas.read('{"$ref": "#"}')) == []


def test_a_schema_is_proposed_from_references_that_are_no_secret(conn, save):  # noqa: F811
    texts = ('{"n": 1}', '{"n": 2.5, "t": "x"}', '{"locked": true}')
    made = [
        replace(row, reference=text, split=split)
        for row, text, split in zip(rows(3), texts, ("dev", "train", "gate"), strict=True)
    ]
    proposed = answer_schemas.propose(conn, save(made))
    assert (list(proposed["properties"]), proposed["required"]) == (["n", "t"], ["n"])
    with pytest.raises(Refusal, match="No sample that may be looked at"):
        answer_schemas.propose(conn, save(made[2:], name="Locked"))
    with pytest.raises(Refusal, match="Reference 1 is not a JSON object"):
        answer_schemas.propose(conn, save([replace(made[0], reference="yes")], name="Text"))
