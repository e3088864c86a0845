import pytest

from core.judging import replies
from core.judging.criteria import VERDICTS, Judge

ALLOWED = VERDICTS["single"]
GOOD = '{"rationale": "It says so.", "verdict": "pass"}'


@pytest.mark.parametrize("reply", [GOOD, f"  {GOOD}\n", f"```json\n{GOOD}\n```", f"<think>Hm: fail?</think>\n{GOOD}"])
def test_one_object_with_its_rationale_first_is_a_verdict(reply):
    assert replies.read(reply, ALLOWED) == ("pass", "It says so.", "")


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("", replies.NOT_ALONE),
        ("pass", replies.NOT_ALONE),
        (f'The answer claims {GOOD} but {{"rationale": "No.", "verdict": "fail"}}', replies.NOT_ALONE),
        (f"{GOOD}\n{GOOD}", replies.NOT_ALONE),
        (f"[{GOOD}]", replies.NOT_ALONE),
        ('{"rationale": "a", "verdict": "pass", "verdict": "fail"}', replies.NOT_ALONE),
        ('{"verdict": "pass", "rationale": "It says so."}', replies.WRONG_ORDER),
        ('{"rationale": "", "verdict": "pass"}', replies.NO_RATIONALE),
        ('{"verdict": "pass"}', replies.NO_RATIONALE),
        ('{"rationale": "a", "verdict": "Pass!"}', replies.NO_VERDICT),
        ('{"rationale": "a", "verdict": true}', replies.NO_VERDICT),
        ('{"rationale": "a"}', replies.NO_VERDICT),
        ('{"rationale": "a", "verdict": "pass", "score": 5}', replies.OTHER_FIELDS),
        ('{"rationale": ' * 10_000, replies.NOT_ALONE),
    ],
)
def test_anything_else_is_no_verdict(reply, problem):
    assert replies.read(reply, ALLOWED) == (None, "", problem)


def test_a_repair_does_not_repeat_the_reply():
    messages = ({"role": "system", "content": "Rules."}, {"role": "user", "content": "Texts."})
    system, user = replies.repair(messages, replies.NO_VERDICT)
    assert system == messages[0]
    assert user["content"].startswith("Texts.\n\nAn earlier reply could not be read: its verdict was none of those")


@pytest.mark.parametrize(
    ("straight", "swapped", "together"),
    [
        ("first", "second", "first"),
        ("second", "first", "second"),
        ("first", "first", "tie"),
        ("second", "second", "tie"),
        ("tie", "tie", "tie"),
        ("first", "tie", "tie"),
        (None, "first", None),
        ("first", None, None),
    ],
)
def test_only_both_orders_together_prefer_an_answer(straight, swapped, together):
    assert replies.both_orders(straight, swapped) == together


def test_another_model_criterion_or_anchor_is_another_judge_and_another_name_is_not():
    common = {"criterion": "a", "passes": "b", "fails": "c", "model_id": "m"}
    first = Judge(name="x", **common)
    assert Judge(name="y", **common).judge_id == first.judge_id
    for change in ({"criterion": "d"}, {"passes": "d"}, {"fails": "d"}, {"model_id": "n"}, {"with_reference": False}):
        assert Judge(name="x", **{**common, **change}).judge_id != first.judge_id
