from core.scoring import scorers, stability

JSON = scorers.read("json")


def test_the_same_content_in_another_form_is_stable_parsed_and_not_raw():
    found = stability.measure(JSON, ['{"a": 1, "b": "x"}', '{"b": "X", "a": 1}', 'So: {"a": 1, "b": "x"}'], [1, 1, 0])
    assert (found.raw, found.parsed, found.valid) == (False, True, False)


def test_the_same_to_the_letter_is_stable_in_every_way():
    found = stability.measure(JSON, ['{"a": 1}'] * 3, [1, 1, 1])
    assert (found.raw, found.parsed, found.valid) == (True, True, True)


def test_another_content_is_not_stable():
    assert not stability.measure(scorers.read("exact"), ["refund", "fee"]).parsed
    assert stability.measure(scorers.read("numeric"), ["It is 1,200.", "1200"]).parsed
    assert stability.measure(scorers.read("exact"), ["Refund.", "refund"]).valid is None, "exact knows no format"


def test_a_single_answer_cannot_differ_from_itself():
    assert stability.measure(JSON, ["x"]) is None
    assert stability.measure(JSON, []) is None
