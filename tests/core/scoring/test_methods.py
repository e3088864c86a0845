"""Numbers, patterns, shared wording, checks: what each takes for right, and what it makes of nonsense."""

import time

import pytest

from core.errors import Refusal
from core.scoring import scorers
from tests.core.scoring.test_scorers import HOSTILE


def scored(definition, answer, reference="", **beside):
    return {score.metric: score.value for score in scorers.score(scorers.read(definition), answer, reference, **beside)}


def numeric(answer, reference, **options):
    return scored({"method": "numeric", "options": options}, answer, reference)["correct"]


def pattern(answer, reference, pattern, **options):
    return scored({"method": "regex", "options": {"pattern": pattern, **options}}, answer, reference)["correct"]


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("1,200", "1200", 1),
        ("It costs ￥１，２００.００", "1200", 1),
        ("1.2 thousand", "1200", 1),
        ("0.12万元", "1200", 1),
        ("1.5亿", "150,000,000", 1),
        ("−5", "-5", 1),
        ("5", "-5", 0),
        ("page 3-5", "5", 0),
        ("1e3", "1000", 1),
        (".5", "0.5", 1),
        ("5%", "百分之5", 1),
        ("5%", "5", 0),
        ("0.05", "5%", 0),
        ("no number", "5", 0),
        ("", "5", 0),
        ("5, so 5.0", "5", 1),
        ("3 or 5", "5", 0),
        ("B5", "5", 0),
        ("5", "none", None),
        ("5", "", None),
    ],
)
def test_a_number_is_the_same_however_it_is_written(answer, reference, value):
    assert numeric(answer, reference) == value


def test_tolerance_is_absolute_or_relative_and_the_wider_one_counts():
    assert numeric("10.5", "10", tolerance=0.5) == 1
    assert numeric("10.51", "10", tolerance=0.5) == 0
    assert numeric("103", "100", percent=3) == 1
    assert numeric("104", "100", percent=3, tolerance=5) == 1
    assert numeric("-97", "-100", percent=3) == 1


def test_decimals_are_exact_and_not_binary():
    assert numeric("0.3", "0.1", tolerance=0.2) == 1


def test_units_are_worth_what_the_scorer_says():
    units = "元, CNY; 角 = 0.1; 万元 = 10000"
    assert numeric("5角", "0.5元", units=units) == 1
    assert numeric("CNY 5", "5元", units=units) == 1
    assert numeric("within 3 days you pay 5元", "5元", units=units) == 1, (
        "only numbers with a unit count if any has one"
    )
    assert numeric("2 kg", "2000 g", units="kg; g = 0.001") == 1
    assert numeric("2 grams", "2 g", units="g", unit_needed=True) == 0, "grams is not g"
    assert numeric("5", "5元", units=units) == 1
    assert numeric("5", "5元", units=units, unit_needed=True) == 0
    assert numeric("50%", "0.5", units="1x, x; % = 0.01".replace("1x, ", "")) == 1


def test_of_several_numbers_the_one_that_was_agreed_counts():
    assert numeric("first 3, then 5", "5", which="last") == 1
    assert numeric("first 3, then 5", "3", which="first") == 1
    assert numeric("first 3, then 5", "5") == 0, "naming all is no answer"


@pytest.mark.parametrize("units", ["kg = x", "kg = 0", "kg = -1", "= 3", "kg,,g", "5kg", "kg = 1e999"])
def test_units_that_are_not_written_as_agreed_are_refused(units):
    with pytest.raises(Refusal, match="is not a unit with its worth"):
        numeric("5", "5", units=units)


def test_a_pattern_matches_or_finds_the_reference():
    assert pattern("Case closed.", "", "closed") == 1
    assert pattern("Case open.", "", "closed") == 0
    assert pattern("Thinking 1, 2.\nTotal: 15.", "15", r"^total:\s*(.+)$") == 1
    assert pattern("Total： １６", "15", r"total:\s*(.+)") == 0, "full width is read"
    assert pattern("total: 15", "15", r"Total:\s*(.+)", any_case=False) == 0
    assert pattern("anything", "", "(a)") is None, "a group has to be compared with something"


def test_a_pattern_that_takes_too_long_leaves_the_score_unknown_in_time():
    began = time.monotonic()
    [score] = scorers.score(
        scorers.read({"method": "regex", "options": {"pattern": r"^(?:a|aa)+b(?:(?:\w+\s?)+)+$"}}), "a" * 60 + "!", "x"
    )
    assert (score.value, "took longer" in score.reason) in ((None, True), (0.0, False))
    evil = scorers.read({"method": "regex", "options": {"pattern": r"(?:(?:a+)+)+c(?:x)"}})
    [score] = scorers.score(evil, "a" * 5000 + "b", "x")
    assert score.value is None
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("broken", ["", "  ", "(", "[a", "a{2,1}", "x" * 1001])
def test_a_pattern_that_is_none_is_refused(broken):
    with pytest.raises(Refusal, match="pattern"):
        pattern("a", "a", broken)


def overlap(measure, answer, reference):
    return scored({"method": "overlap", "options": {"measure": measure}}, answer, reference)["overlap"]


PARAPHRASE = (
    "提前还贷款要提前三十天申请，手续费百分之一。",
    "贷款提前还款需要提前三十天申请，并支付百分之一的手续费。",
)
UNRELATED = "今天天气很好，我们去公园玩。"


@pytest.mark.parametrize("measure", ["chrf", "rouge", "bleu"])
def test_every_overlap_sees_chinese_and_english(measure):
    answer, reference = PARAPHRASE
    assert overlap(measure, reference, reference) == pytest.approx(1)
    assert overlap(measure, UNRELATED, reference) < 0.15 < overlap(measure, answer, reference) < 1
    assert overlap(measure, "the cat sat on the mat today", "the cat sat on the mat today") == pytest.approx(1)
    assert overlap(measure, "", reference) == 0
    assert scored({"method": "overlap", "options": {"measure": measure}}, "x", " ") == {"overlap": None}


def test_rouge_counts_the_longest_common_sequence_of_characters_or_words():
    # 申请退款 and 申请了退款: 4 of 4 and 4 of 5 characters in order, so F = 2 * 4 / 9
    assert overlap("rouge", "申请退款", "申请了退款") == pytest.approx(8 / 9)
    # "police killed the gunman" / "police kill the gunman": 3 words of 4 and 4 (Lin 2004)
    assert overlap("rouge", "police kill the gunman", "police killed the gunman") == pytest.approx(0.75)


def test_overlap_takes_the_opposite_for_nearly_the_same_which_is_why_it_never_gates():
    assert overlap("chrf", "It does not need approval by the branch.", "It needs approval by the branch.") > 0.6
    assert not scorers.proves("overlap")
    assert not scorers.proves("overlap:note")
    assert [metric for metric in scorers.metrics(scorers.read(EVERYTHING), ["a", "b"]) if scorers.proves(metric)] == [
        "correct",
        "field:a",
    ]


EVERYTHING = {
    "method": "json",
    "options": {"fields": {"b": {"method": "overlap"}}},
    "checks": [{"method": "length"}, {"method": "language"}, {"method": "citations"}],
}


def check(kind, answer, *, question="", context="", **options):
    definition = {"method": "contains", "checks": [{"method": kind, "options": options}]}
    return scored(definition, answer, "x", question=question, context=context)[kind]


def test_length_is_what_was_agreed():
    assert check("length", " abc ", least=3, most=3) == 1
    assert check("length", "abcd", least=1, most=3) == 0
    assert check("length", "   ") == 0, "an empty answer has no length worth having"
    with pytest.raises(Refusal, match="above the longest"):
        check("length", "x", least=5, most=4)


def test_language_is_told_by_the_script():
    assert check("language", "您可以用 iPhone 申请退款。", language="zh") == 1
    assert check("language", "You can claim a refund.", language="zh") == 0
    assert check("language", "You can claim a refund (退款).", language="en") == 1
    assert check("language", "可以退款", question="能退款吗？") == 1
    assert check("language", "Yes, you can", question="能退款吗？") == 0
    assert check("language", "42", language="zh") is None


def test_citations_have_to_exist_and_quotations_to_be_word_for_word():
    context = "[1] Instalments can be repaid early.\n[2] The fee is 1% of the amount, paid once."
    assert check("citations", "The fee is 1% [2].", context=context) == 1
    assert check("citations", "Both apply [1, 2].", context=context) == 1
    assert check("citations", "一次性收取 1%【2】。", context=context) == 1
    assert check("citations", "The fee is 1%.", context=context) == 0
    assert check("citations", "The fee is 1% [3].", context=context) == 0
    assert check("citations", "It says “The fee is 1% of the amount” [2].", context=context) == 1
    assert check("citations", "It says “the fee is waived for all” [2].", context=context) == 0
    assert check("citations", "The fee is 1% [2].", context="no numbered passages") is None


def test_fields_are_judged_each_in_its_own_way():
    defined = {
        "method": "json",
        "options": {
            "fields": {
                "fee": {"method": "numeric", "options": {"tolerance": 0.5}},
                "note": {"method": "overlap"},
                "who": {"method": "ignored"},
            }
        },
    }
    reference = '{"fee": 10, "note": "pay at the counter", "who": "a", "kind": "A"}'
    values = scored(defined, '{"fee": 10.4, "note": "pay at a counter", "kind": "a"}', reference)
    assert values.keys() == {"correct", "valid", "parses", "complete", "field:fee", "overlap:note", "field:kind"}
    assert (values["correct"], values["field:fee"]) == (1, 1), "shared wording has no say in correct"
    assert 0 < values["overlap:note"] < 1
    assert values["complete"] == 0.75, "three of the reference's four fields"
    assert scored(defined, '{"fee": 11, "note": "", "kind": "A"}', reference)["correct"] == 0


def test_completeness_counts_required_fields_that_are_there_and_as_agreed():
    schema = {"type": "object", "properties": {"a": {"enum": ["x", "y"]}, "b": {"type": "string"}},
              "required": ["a", "b"]}  # fmt: skip
    reference = '{"a": "x", "b": "z"}'
    assert scored("json", 'So: {"a": "x", "b": "q"}', reference, schema=schema) | {"correct": 0} == {
        "correct": 0, "valid": 0, "parses": 0, "complete": 1, "field:a": 1, "field:b": 0,
    }  # fmt: skip
    assert scored("json", '{"a": "x"}', reference, schema=schema)["complete"] == 0.5
    assert scored("json", '{"a": "w", "b": 3}', reference, schema=schema)["complete"] == 0


def test_what_matters_after_all_matters():
    def exact(answer, *keep):
        return scored({"method": "exact", "options": {"keep": list(keep)}}, answer, "Yes no")["correct"]

    for answer, kept in (("yes no", "case"), ("Yes  no", "space"), ("Ｙｅｓ no", "width"), ("“Yes no.”", "decoration")):
        assert exact(answer) == 1
        assert exact(answer, kept) == 0, kept
    with pytest.raises(Refusal, match="cannot be set"):
        exact("Yes no", "colour")


DEFINITIONS = [
    "json",
    {"method": "exact", "options": {"keep": ["case"]}},
    {"method": "regex", "options": {"pattern": r"(\w+)"}},
    {"method": "numeric", "options": {"units": "kg; g = 0.001", "percent": 5.0}},
    {"method": "overlap", "options": {"measure": "rouge"}},
    {"method": "overlap", "options": {"measure": "bleu"}},
    {
        "method": "json",
        "options": {"fields": {"a": {"method": "numeric"}}},
        "checks": [{"method": "length"}, {"method": "language"}, {"method": "citations"}],
    },
]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=str)
def test_a_scorer_is_named_by_content_and_read_back(definition):
    scorer = scorers.read(definition)
    assert scorers.read(scorer.definition) == scorer
    assert scorers.read(scorer.definition).scorer_id == scorer.scorer_id
    assert (scorer.scorer_id == scorer.name) == (scorer.definition == {"method": scorer.name})


def test_options_at_their_usual_value_make_no_other_version():
    usual = {"method": "numeric", "options": {"tolerance": 0.0, "which": "only"}}
    assert scorers.read(usual).scorer_id == "numeric"
    assert scorers.read({"method": "numeric", "options": {"tolerance": 1.0}}).scorer_id != "numeric"


def test_another_version_of_the_code_is_another_scorer(monkeypatch):
    monkeypatch.setattr(scorers.METHODS["exact"], "VERSION", 2)
    assert scorers.read("exact").scorer_id.startswith("exact-")


def test_an_unknown_option_is_refused():
    with pytest.raises(Refusal, match="“weight” cannot be set"):
        scorers.read({"method": "exact", "options": {"weight": 2}})


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("definition", DEFINITIONS, ids=str)
def test_no_text_raises_or_takes_long(definition, answer):
    scorer = scorers.read(definition)
    began = time.monotonic()
    for text, reference in ((answer, '{"a": 1}'), ('{"a": 1}', answer)):
        for score in scorers.score(scorer, text, reference, question=answer, context=f"[1] {answer}"):
            assert score.value is None or 0 <= score.value <= 1
            assert len(score.reason.encode()) <= 1000
        scorer.method.parsed(text)
    assert time.monotonic() - began < 5
