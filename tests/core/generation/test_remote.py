"""What an endpoint is asked, as whom and how fast, and how its answers come back; real HTTP throughout."""

import asyncio
from time import monotonic

import pytest
from starlette.responses import JSONResponse, Response

from core.errors import Refusal
from core.generation import remote
from core.generation.base import Decoding, Request
from core.generation.limits import Price, Rates, Spending
from tests.core.generation.conftest import answered, asked
from tests.openai_server import completion, error, hangs, returns

KEY = "sk-very-secret-0123456789"


def test_an_answer_comes_with_its_text_tokens_and_time(server):
    answer = answered(server, "hello")["hello"]
    assert (answer.text, answer.failure, answer.prompt_tokens, answer.completion_tokens) == ("echo: hello", None, 7, 3)
    assert 0 < answer.latency_s < 5
    assert not answer.cut
    server.faults["long"] = [returns(completion("half of", finish="length"))]
    assert [(answer.text, answer.cut) for answer in [answered(server, "long")["long"]]] == [("half of", True)]


def test_decoding_reaches_the_server_and_each_repeat_has_its_own_seed(server):
    decoding = Decoding(max_new_tokens=9, temperature=0.7, seed=40)
    request = Request(
        key="k", messages=({"role": "system", "content": "s"}, {"role": "user", "content": "u"}), repeat=2
    )
    generator = remote.load(base_url=server.base_url, model="tiny", key_env=None)
    assert len(list(generator.generate([request], decoding))) == 1
    assert server.seen == [
        {"model": "tiny", "messages": list(request.messages), "max_tokens": 9, "temperature": 0.7, "seed": 42}
    ]


def test_sixty_four_calls_of_a_tenth_of_a_second_take_far_less_than_six(server):
    server.delay_s = 0.1
    began = monotonic()
    assert len(answered(server, *(f"q{i}" for i in range(63)))) == 64
    assert monotonic() - began < 3
    assert server.most_at_once == 16


def test_concurrency_is_never_exceeded(server):
    server.delay_s = 0.02
    answered(server, *(f"q{i}" for i in range(20)), concurrency=3)
    assert server.most_at_once == 3


def test_nothing_asked_is_nothing_sent(server):
    generator = remote.load(base_url=server.base_url, model="tiny", key_env=None)
    assert list(generator.generate([], Decoding())) == []
    assert server.seen == []


def test_an_empty_text_is_an_answer(server):
    server.faults["x"] = [returns(completion(""))]
    assert answered(server, "x")["x"].text == ""


def test_a_server_that_leaves_out_what_it_can_is_understood(server):
    server.faults["x"] = [returns(JSONResponse({"choices": [{"message": {"content": "hi"}}], "usage": None}))]
    answer = answered(server, "x")["x"]
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens) == ("hi", None, None)


def test_half_a_surrogate_pair_neither_arrives_nor_stops_the_others(server):
    server.faults["x"] = [
        returns(Response(rb'{"choices": [{"message": {"content": "a\ud800"}}]}', media_type="application/json"))
    ]
    answers = answered(server, "x", "\ud800")
    assert answers["x"].text == "a?"
    assert "broken characters" in str(answers["\ud800"].failure)


def test_models_that_want_the_limit_under_its_new_name_get_it(server):
    complaint = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    server.faults["start"] = [returns(error(400, complaint))]
    assert answered(server, "x")["x"].text == "echo: x"
    assert [sorted(body.keys() & {"max_tokens", "max_completion_tokens"}) for body in server.seen] == [
        ["max_tokens"],
        ["max_completion_tokens"],
        ["max_completion_tokens"],
    ]


def test_the_key_is_sent_to_the_server_and_stays_out_of_every_text(server, monkeypatch):
    monkeypatch.setenv("TEAM_KEY", KEY)
    server.key = KEY
    server.faults["x"] = [returns(error(400, f"odd call with key {KEY}"))]
    answer = answered(server, "x", key_env="TEAM_KEY")["x"]
    assert "odd call with key …" in str(answer.failure)
    assert KEY not in repr(remote.load(base_url=server.base_url, model="tiny", key_env="TEAM_KEY"))


def test_keys_of_other_services_are_not_sent(server, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    answered(server)
    assert KEY not in str(server.headers)
    assert "authorization" not in server.headers[0]


def test_a_wrong_key_is_refused_for_the_whole_job_without_showing_it(server, monkeypatch):
    monkeypatch.setenv("TEAM_KEY", KEY)
    server.key = "another"
    with pytest.raises(Refusal, match=r"does not accept the key in TEAM_KEY \(401\)") as refused:
        answered(server, "x", "y", key_env="TEAM_KEY")
    assert KEY not in str(refused.value) + repr(refused.value.values) + repr(refused.value.__cause__)
    assert len(server.seen) == 1


def test_a_missing_key_is_asked_for(server):
    server.key = KEY
    with pytest.raises(Refusal, match=r"asks for a key \(401\)"):
        answered(server)


@pytest.mark.parametrize("key", [None, "", " ", "sk-\n-split", "sk-密"])
def test_a_key_that_is_absent_or_broken_is_refused_by_the_name_of_its_variable(server, monkeypatch, key):
    if key is not None:
        monkeypatch.setenv("TEAM_KEY", key)
    with pytest.raises(Refusal, match="variable TEAM_KEY holds no usable key") as refused:
        remote.load(base_url=server.base_url, model="tiny", key_env="TEAM_KEY")
    assert "sk-" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://models/v1",
        "file:///etc/passwd",
        "localhost:8000/v1",
        "http://",
        "https://host/v1?key=1",
        "http://host:99999/v1",
        "http://[::1/v1",
        "http://a\nb/v1",
        "",
    ],
)
def test_what_is_no_web_address_is_refused(address):
    with pytest.raises(Refusal, match="cannot be used"):
        remote.load(base_url=address, model="m", key_env=None)


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(Refusal) as refused:
        remote.load(base_url="https://me:hunter2@host/v1", model="m", key_env=None)
    assert "hunter2" not in str(refused.value)


def test_finished_answers_are_handed_over_as_soon_as_they_are_in(server):
    server.delay_s = 0.2
    generator = remote.load(base_url=server.base_url, model="tiny", key_env=None, concurrency=1)
    began, arrivals = monotonic(), []
    for batch in generator.generate(asked(*"abc"), Decoding()):
        arrivals.append((monotonic() - began, len(batch)))
    assert [count for _, count in arrivals] == [1, 1, 1]
    assert arrivals[0][0] < 0.4
    assert arrivals[-1][0] - arrivals[0][0] > 0.35  # the first was not kept until the others were in


def test_a_slow_first_answer_holds_up_no_other_call_for_long(server, monkeypatch):
    monkeypatch.setattr(remote, "HEAD_START_SECONDS", 0.1)
    server.delay_s = 2
    assert len(answered(server, *(f"q{i}" for i in range(7)), concurrency=8)) == 8
    assert server.most_at_once == 8, "the first was under way with the others"


def test_what_no_call_can_pass_is_refused_even_if_others_began_before_it_showed(server, monkeypatch):
    monkeypatch.setattr(remote, "HEAD_START_SECONDS", 0)

    async def late():
        await asyncio.sleep(1)
        return error(404, "gone")

    server.faults["*"] = [late] * 8
    with pytest.raises(Refusal, match="has no model tiny"):
        answered(server, *(f"q{i}" for i in range(7)), concurrency=8)
    assert server.most_at_once == 8


def test_the_end_comes_with_the_last_answer_and_not_a_glance_later(server, monkeypatch):
    monkeypatch.setattr(remote, "GLANCE_SECONDS", 60)
    began = monotonic()
    assert len(answered(server, *(f"q{i}" for i in range(20)))) == 21
    assert monotonic() - began < 30


def test_a_stop_keeps_what_is_finished_and_cancels_the_rest(server):
    server.faults["slow"] = [hangs(30)]
    began = monotonic()
    answers = answered(server, "quick", "slow", stopped=lambda: monotonic() - began > 0.8)
    assert set(answers) == {"start", "quick"}
    assert monotonic() - began < 5


def test_walking_away_cancels_the_calls(server):
    server.delay_s = 0.05
    generator = remote.load(base_url=server.base_url, model="tiny", key_env=None)
    batches = generator.generate(asked(*(f"q{i}" for i in range(200))), Decoding())
    assert len(next(batches)) >= 1
    batches.close()
    assert len(server.seen) < 200


def test_a_rate_of_calls_is_kept(server):
    began = monotonic()
    answered(server, *"abcd", rates=Rates(requests_per_minute=240))
    assert 0.9 <= monotonic() - began < 4  # five calls, a quarter of a second apart


def test_a_cap_starts_no_call_that_could_exceed_it(server):
    spending = Spending(10.0)
    price = Price(completion=1_000_000)  # one for each token: at most 4 are reserved, 3 are used
    answers = answered(
        server, *"abcdefgh", decoding=Decoding(max_new_tokens=4), spending=spending, price=price, concurrency=4
    )
    assert len(answers) == len(server.seen) == 3
    assert (spending.spent, spending.reached) == (9.0, True)


def test_json_is_asked_for_as_strictly_as_the_server_takes_it(server):
    server.structured = ("json_object", "text")
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    questions = [Request(key=key, messages=({"role": "user", "content": key},), schema=schema) for key in "ab"]
    generator = remote.load(base_url=server.base_url, model="tiny", key_env=None)
    assert len([a for batch in generator.generate(questions, Decoding(structured=True)) for a in batch]) == 2
    assert [body["response_format"]["type"] for body in server.seen] == ["json_schema", "json_object", "json_object"]
    assert server.seen[0]["response_format"]["json_schema"]["strict"] is True
    assert generator.learned == {"structured": "json_object"}


def test_calls_that_are_turned_away_side_by_side_learn_the_servers_form_once(server, monkeypatch):
    monkeypatch.setattr(remote, "HEAD_START_SECONDS", 0)
    server.structured, server.delay_s = ("json_object", "text"), 0.5
    requests = [Request(key=str(n), messages=asked(f"q{n}")[0].messages, schema={"type": "object"}) for n in range(16)]
    generator = remote.load(base_url=server.base_url, model="tiny", key_env=None, concurrency=16)
    answers = [answer for batch in generator.generate(requests, Decoding(structured=True)) for answer in batch]
    assert [answer.failure for answer in answers] == [None] * 16
    assert generator.learned == {"structured": "json_object"}


def test_headers_that_a_variable_holds_for_another_service_stay_here(server, monkeypatch):
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {KEY}\nX-Team: {KEY}")
    answered(server)
    monkeypatch.setenv("TEAM_KEY", "sk-ours")
    answered(server, key_env="TEAM_KEY")
    assert KEY not in str(server.headers)
    assert server.headers[1]["authorization"] == "Bearer sk-ours"
    assert not [name for name in server.headers[0] if name.startswith("x-")]  # nor what describes this machine


def test_a_cookie_is_not_sent_back(server):
    server.faults["start"] = [returns(error(500, "oops", **{"set_cookie": "seen=1", "retry_after": "0"}))]
    answered(server, "x")
    assert not [headers for headers in server.headers if "cookie" in headers]


def test_no_way_to_write_a_number_leads_past_the_look_at_it(monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_ENDPOINTS", "http://*:*")
    for host in ("１６９.254.169.254", "169。254。169。254", "%3169.254.169.254"):
        with pytest.raises(Refusal, match=r"cannot be used|not allowed|leads to|not known"):
            list(
                remote.load(base_url=f"http://{host}/v1", model="m", key_env=None, deadline_s=2).generate(
                    asked("x"), Decoding()
                )
            )
