"""Scores tell content from format, in English and Chinese, whatever the answer is made of."""

import json
import time

import pytest

from core.errors import Refusal
from core.scoring import scorers

REFERENCE = '{"intent": "lost_card", "emotion": "calm"}'
SCHEMA = {
    "type": "object",
    "properties": {"intent": {"enum": ["lost_card", "blocked_card"]}, "emotion": {"type": "string"}},
    "required": ["intent", "emotion"],
    "additionalProperties": False,
}


def scored(scorer, answer, reference, schema=None):
    return {score.metric: score.value for score in scorers.score(scorer, answer, reference, schema)}


def reasons(scorer, answer, reference, schema=None):
    return {score.metric: score.reason for score in scorers.score(scorer, answer, reference, schema)}


def correct(scorer, answer, reference):
    return scored(scorer, answer, reference)["correct"]


def test_the_agreed_json_is_valid_and_correct():
    everything = {"correct": 1, "valid": 1, "parses": 1, "complete": 1, "field:intent": 1, "field:emotion": 1}
    assert scored("json", f" {REFERENCE}\n", REFERENCE, SCHEMA) == everything


@pytest.mark.parametrize("wrapping", ["```json\n%s\n```", "Here you are: %s Anything else?", "{not this} %s", "[%s]"])
def test_right_content_in_the_wrong_format_is_correct_but_not_valid(wrapping):
    values = scored("json", wrapping % REFERENCE, REFERENCE, SCHEMA)
    assert (values["correct"], values["valid"]) == (1, 0)


def test_right_format_with_wrong_content_is_valid_but_not_correct():
    answer = '{"intent": "blocked_card", "emotion": "calm"}'
    assert scored("json", answer, REFERENCE, SCHEMA) == {
        "correct": 0,
        "valid": 1,
        "parses": 1,
        "complete": 1,
        "field:intent": 0,
        "field:emotion": 1,
    }
    assert reasons("json", answer, REFERENCE, SCHEMA)["correct"] == "Wrong: intent."
    assert reasons("json", answer, REFERENCE, SCHEMA)["field:intent"] == "It says 'blocked_card'."


def test_a_missing_field_is_wrong_and_says_so():
    assert scored("json", '{"intent": "lost_card"}', REFERENCE)["field:emotion"] == 0
    assert reasons("json", '{"intent": "lost_card"}', REFERENCE)["field:emotion"] == "The field is missing."


def test_an_added_field_breaks_the_format_only():
    values = scored("json", '{"intent": "lost_card", "emotion": "calm", "note": "hi"}', REFERENCE, SCHEMA)
    assert (values["correct"], values["valid"]) == (1, 0)


def test_case_width_and_space_of_a_value_do_not_matter():
    assert correct("json", '{"intent": " ＬＯＳＴ_card", "emotion": "Calm"}', REFERENCE) == 1


@pytest.mark.parametrize(
    ("wanted", "given", "same"),
    [
        (1, "1.0", 1),
        (1, "true", 0),
        (True, "true", 1),
        (5, '"5"', 0),
        (None, "null", 1),
        (["A", "b"], '["a", "B"]', 1),
        (["a", "b"], '["b", "a"]', 0),
        ({"x": [True]}, '{"x": [1]}', 0),
        ({"x": "Ä"}, '{"x": "ä"}', 1),
    ],
)
def test_values_are_equal_when_they_mean_the_same(wanted, given, same):
    assert correct("json", f'{{"v": {given}}}', json.dumps({"v": wanted})) == same


def test_a_reference_that_is_no_object_leaves_correctness_unknown():
    assert scored("json", "[1]", "[1]") == {"correct": None, "valid": 1, "parses": 1, "complete": None}
    assert correct("json", "{}", "{}") is None


@pytest.mark.parametrize("answer", ["", "no idea", "{", '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": ' + "9" * 5000 + "}"])
def test_what_is_not_json_is_neither_valid_nor_correct(answer):
    nothing = {"correct": 0, "valid": 0, "parses": 0, "complete": 0, "field:a": 0}
    assert scored("json", answer, '{"a": 1}') == nothing


def test_repeated_keys_are_named():
    assert reasons("json", '{"a": 1, "a": 1}', '{"a": 1}')["correct"] == "Not JSON: a key is repeated."


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"$ref": "http://127.0.0.1:9/x.json"}, {"$ref": "#/no"}])
def test_an_unusable_schema_leaves_validity_unknown_and_fetches_nothing(schema):
    unknown = {"correct": 1, "valid": None, "parses": 1, "complete": None, "field:a": 1}
    assert scored("json", '{"a": 1}', '{"a": 1}', schema) == unknown
    assert reasons("json", '{"a": 1}', '{"a": 1}', schema)["valid"].startswith("The schema cannot be used")


EVIL = "(?:(?:a+)+)+c(?:x)"  # goes back and forth on what follows
LETTERS = "a" * 5_000 + "b"


@pytest.mark.parametrize(
    "rule",
    [
        {"properties": {"a": {"pattern": EVIL}}},
        {"patternProperties": {EVIL: {"type": "number"}}},
        {"patternProperties": {EVIL: {"type": "number"}}, "additionalProperties": False},
        {"properties": {"a": {"$schema": "https://json-schema.org/draft/2020-12/schema", "pattern": EVIL}}},
        {"additionalProperties": {"propertyNames": {"pattern": EVIL}}},
    ],
)
def test_a_schema_whose_pattern_takes_too_long_leaves_validity_unknown_in_time(rule):
    answer = json.dumps({"a": LETTERS, LETTERS: {LETTERS: 1}})
    began = time.monotonic()
    assert scored("json", answer, '{"a": "b"}', rule) | {"field:a": 0} == {
        "correct": 0, "valid": None, "parses": 1, "complete": None, "field:a": 0,
    }  # fmt: skip
    assert time.monotonic() - began < 2


def test_a_pattern_that_the_schema_library_never_ends_with_is_answered_at_once():
    began = time.monotonic()
    rule = {"properties": {"a": {"pattern": "^(a+)+$"}}}
    assert scored("json", json.dumps({"a": "a" * 100 + "!"}), '{"a": "b"}', rule)["valid"] == 0
    assert time.monotonic() - began < 1


def test_patterns_of_a_schema_say_what_they_say():
    rule = {
        "type": "object",
        "properties": {"a": {"type": "string", "pattern": "^[A-Z]{2}\\d$"}},
        "patternProperties": {"^x_": {"type": "number"}},
        "additionalProperties": False,
    }

    def valid(**answer):
        return scored("json", json.dumps(answer), '{"a": "AB1"}', rule)["valid"]

    assert valid(a="AB1", x_one=1) == 1
    assert valid(a="ab1") == 0
    assert valid(a="AB1", x_one="1") == 0
    assert valid(a="AB1", other=1) == 0
    assert reasons("json", '{"a": "AB1", "other": 1}', '{"a": "AB1"}', rule)["valid"].startswith("Additional prop")


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("Refund", "refund", 1),
        (' "refund." ', "Refund", 1),
        ("**Refund**", "refund", 1),
        ("ｒｅｆｕｎｄ", "refund", 1),
        ("card\n  delivery", "card delivery", 1),
        ("「挂失」。", "挂失", 1),
        ("Straße", "STRASSE", 1),
        ("refund please", "refund", 0),
        ("-5", "5", 0),
        (".5", "5", 0),
        ("5%", "5", 0),
        ("C++", "C", 0),
        ("?", "!", 0),
        ("?", "?", 1),
        ("", "refund", 0),
    ],
)
def test_exact_looks_past_decoration_but_not_past_meaning(answer, reference, value):
    assert correct("exact", answer, reference) == value


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("The capital is Paris.", "paris", 1),
        ("A comparison", "paris", 0),
        ("It opened in 1999", "twenty|1999", 1),
        ("That costs 1,200 yuan", "1200", 1),
        ("That costs 1200", "1,200", 1),
        ("That costs １，２００元", "1200", 1),
        ("That costs 11,200", "1200", 0),
        ("About 12.5", "12", 0),
        ("About 3.12", "12", 0),
        ("It is 12.", "12", 1),
        ("It is -12", "12", 0),
        ("−12", "12", 0),
        ("pages 3-12", "12", 1),
        ("needs 120 days", "12", 0),
        ("答案是北京市。", "北京", 1),
        ("买了iPhone手机", "iphone", 1),
        ("共15个", "5个", 0),
        ("共5个", "5个", 1),
        ("(C++ or C#)", "c#", 1),
        ("", "x", 0),
    ],
)
def test_contains_finds_whole_words_and_numbers(answer, reference, value):
    assert correct("contains", answer, reference) == value


@pytest.mark.parametrize("scorer", ["exact", "contains", "overlap"])
@pytest.mark.parametrize("reference", ["", "  "])
def test_without_a_reference_nothing_is_scored(scorer, reference):
    [score] = scorers.score(scorer, "anything", reference)
    assert (score.value, score.reason) == (None, "The sample has no reference.")


def test_overlap_ranks_drafts_in_both_languages_and_never_says_correct():
    reference = "贷款提前还款需要提前三十天申请，并支付百分之一的手续费。"
    close = scored("overlap", "提前还贷款要提前三十天申请，手续费百分之一。", reference)
    far = scored("overlap", "今天天气很好，我们去公园玩。", reference)
    assert close.keys() == {"overlap"}
    assert far["overlap"] < 0.1 < 0.3 < close["overlap"] < 1
    assert scored("overlap", reference, reference)["overlap"] == pytest.approx(1)
    assert scored("overlap", "好", "好")["overlap"] == pytest.approx(1)
    assert scored("overlap", "", reference)["overlap"] == 0


HOSTILE = {
    "a million letters": "a" * 1_000_000,
    "a million braces": "{" * 1_000_000,
    "a million open objects": '{"a":' * 200_000,
    "a thousand levels": '{"a":' * 1000 + "1" + "}" * 1000,
    "a hundred thousand levels": "[" * 100_000 + "]" * 100_000,
    "lone surrogate": '{"a": "\ud800"}',
    "escaped lone surrogate": '{"\\ud800": "\\udfff"}',
    "control characters": "\x00\x1b[31m\u202e\ufeff",
    "infinity": '{"a": -Infinity, "b": 1e999}',
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("scorer", scorers.SCORERS)
def test_no_answer_and_no_reference_raises(scorer, answer):
    for text, reference in ((answer, '{"a": 1}'), ('{"a": 1}', answer)):
        for score in scorers.score(scorer, text, reference, SCHEMA):
            assert score.value is None or 0 <= score.value <= 1
            assert len(score.reason.encode()) <= 1000


def test_the_metrics_announced_are_the_metrics_scored():
    for scorer in scorers.SCORERS:
        announced = scorers.metrics(scorer, ["intent", "emotion"] if scorer == "json" else [])
        assert tuple(scored(scorer, REFERENCE, REFERENCE)) == announced


def test_an_unknown_scorer_is_refused_by_name():
    with pytest.raises(Refusal, match="There is no scorer bleu; choose one of json, exact, contains, overlap, num"):
        scorers.score("bleu", "a", "a")


@pytest.mark.parametrize(
    ("references", "scorer"),
    [
        (['{"a": 1}', '{"a": 2}'], "json"),
        (["yes", "no", "yes", "no"], "exact"),
        (["挂失", "补卡", "挂失", "补卡", ""], "exact"),
        (["Paris", "1,200", "42", "Rome"], "contains"),
        (["yes|yep", "no", "yes|yep", "no"], "contains"),
        (["提前还款需要提前三十天向经办网点提出书面申请。"] * 4, "overlap"),
        (["yes", "A long explanation of why the customer has to wait for thirty days."], "overlap"),
        (['{"a": 1}', "yes"], "contains"),
        ([], "overlap"),
        ([""], "overlap"),
    ],
)
def test_the_scorer_suggested_fits_the_references(references, scorer):
    assert scorers.suggest(references) == scorer


def test_the_schema_inferred_accepts_its_references_and_no_strange_value():
    rows = [
        {"intent": "lost", "amount": 5, "note": "a"},
        {"intent": "fee", "amount": 2.5, "note": "b"},
        {"intent": "lost", "amount": 1, "note": None},
        {"intent": "fee", "amount": 1, "note": "c", "extra": [1]},
    ]
    references = [json.dumps(row) for row in rows]
    schema = scorers.infer_schema(references)
    assert schema == {
        "type": "object",
        "properties": {
            "intent": {"enum": ["fee", "lost"]},
            "amount": {"type": "number"},
            "note": {"type": ["null", "string"]},
            "extra": {"type": "array"},
        },
        "required": ["intent", "amount", "note"],
        "additionalProperties": False,
    }
    assert all(scored("json", text, text, schema)["valid"] == 1 for text in references)
    assert scored("json", '{"intent": "gift", "amount": 1, "note": "a"}', references[0], schema)["valid"] == 0


def test_a_schema_of_mixed_references_is_refused_with_the_row():
    with pytest.raises(Refusal, match="Reference 2 is not a JSON object"):
        scorers.infer_schema(['{"a": 1}', "yes"])
