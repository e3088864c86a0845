"""An endpoint's faults become sentences beside the answers that did arrive; real HTTP throughout."""

import gzip
import socket
from time import monotonic

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from core.errors import Refusal
from core.generation import remote
from core.generation.base import Decoding, Request
from core.generation.limits import Price, Rates, Spending
from tests import openai_server
from tests.openai_server import completion, cuts, error, floods, hangs, returns, serve, trickles

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def server():
    with serve() as running:
        yield running


def asked(*texts):
    return [Request(key=text, messages=({"role": "user", "content": text},)) for text in texts]


def answered(server, *texts, decoding=None, stopped=lambda: False, **settings):
    """Answers by key; the first, `start`, always works, so that faults of others are not taken for the whole job's."""
    generator = remote.load(**({"base_url": server.base_url, "model": "tiny", "key_env": None} | settings))
    batches = generator.generate(asked("start", *texts), decoding or Decoding(), stopped=stopped)
    answers = [answer for batch in batches for answer in batch]
    assert len({answer.key for answer in answers}) == len(answers)
    return {answer.key: answer for answer in answers}


def failure(server, fault, **settings):
    """The sentence for a call to which this fault happens every time."""
    server.faults["x"] = [fault] * remote.TRIES
    answers = answered(server, "x", **settings)
    assert answers["start"].text == "echo: start"
    return str(answers["x"].failure)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_an_answer_comes_with_its_text_tokens_and_time(server):
    answer = answered(server, "hello")["hello"]
    assert (answer.text, answer.failure, answer.prompt_tokens, answer.completion_tokens) == ("echo: hello", None, 7, 3)
    assert 0 < answer.latency_s < 5


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


@pytest.mark.parametrize(
    "fault",
    [
        returns(error(500, "oops")),
        returns(error(503, "busy")),
        returns(error(408, "slow")),
        returns(error(409, "conflict")),
        returns(error(429, "slow down")),
        cuts(),
    ],
)
def test_a_passing_fault_is_tried_again(server, fault):
    server.faults["x"] = [fault, fault]
    assert answered(server, "x")["x"].text == "echo: x"
    assert len(server.seen) == 4


def test_a_rate_limit_waits_as_long_as_the_server_asks(server):
    server.faults["x"] = [returns(error(429, "slow down", retry_after="1"))]
    began = monotonic()
    assert answered(server, "x")["x"].text == "echo: x"
    assert 1 <= monotonic() - began < 3


def test_a_wait_longer_than_the_deadline_is_not_waited_for(server):
    began = monotonic()
    sentence = failure(server, returns(error(429, "no", retry_after="3600")), deadline_s=5)
    assert "too many calls (429)" in sentence
    assert monotonic() - began < 4


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (returns(error(400, "context length exceeded")), "rejected the call (400): "),
        (returns(HTMLResponse("<h1>Welcome</h1>")), "did not answer as an OpenAI-compatible server does"),
        (returns(JSONResponse({"reply": "hi"})), "did not answer as an OpenAI-compatible server does"),
        (returns(JSONResponse(["hi"])), "did not answer as an OpenAI-compatible server does"),
        (returns(JSONResponse({"choices": [{"message": "hi"}]})), "did not answer as an OpenAI-compatible server"),
        (returns(JSONResponse({"choices": [{"message": {"content": [1]}}]})), "did not answer as an OpenAI-compat"),
        (returns(Response(b"\xff\xfe{", media_type="application/json")), "did not answer as an OpenAI-compatible"),
        (returns(Response("[" * 100_000, media_type="application/json")), "did not answer as an OpenAI-compatible"),
        (returns(JSONResponse({"choices": []})), "returned no choice"),
        (returns(completion(None, finish="content_filter")), "returned no text (content_filter)"),
        (returns(completion("", finish="length")), "used all 48 tokens before it began to answer"),
        (returns(Response(status_code=302, headers={"location": "http://127.0.0.1:9/"})), "points to another address"),
        (returns(error(404, "gone")), "has no model tiny"),
        (floods(), "compressed or larger than 2 MB"),
        (floods(400), "compressed or larger than 2 MB"),
        (
            returns(Response(gzip.compress(b"{}"), headers={"content-encoding": "gzip"})),
            "compressed or larger than 2 MB",
        ),
    ],
)
def test_each_lasting_fault_has_its_sentence_and_is_asked_once(server, fault, says):
    assert says in failure(server, fault)
    assert len(server.seen) == 2


def test_a_server_that_hangs_hits_the_deadline(server):
    began = monotonic()
    assert "did not answer within 0.5 seconds" in failure(server, hangs(20), deadline_s=0.5)
    assert monotonic() - began < 5


def test_a_fault_that_lasts_is_reported_after_five_tries(server):
    server.faults["x"] = [returns(error(500, "oops", retry_after="0"))] * 9
    assert "failed (500)" in str(answered(server, "x")["x"].failure)
    assert len(server.faults["x"]) == 4


def test_a_connection_that_is_always_cut_has_its_sentence(server):
    assert "cut the connection" in failure(server, cuts(), deadline_s=1.5)


def test_one_failure_leaves_the_other_answers_alone(server):
    server.faults["q7"] = [returns(JSONResponse({"choices": []}))]
    answers = answered(server, *(f"q{i}" for i in range(20)))
    assert [key for key, answer in answers.items() if answer.failure] == ["q7"]


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


def test_an_unknown_model_is_refused_for_the_whole_job(server):
    with pytest.raises(Refusal, match="has no model grand"):
        answered(server, "x", model="grand")
    assert len(server.seen) == 1


def test_a_port_where_nothing_listens_is_refused_for_the_whole_job(server):
    server.base_url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(Refusal, match="cannot be reached"):
        answered(server, "x", deadline_s=1)


def test_a_server_that_stops_on_the_way_fails_calls_but_not_the_job():
    with serve() as server:
        generator = remote.load(
            base_url=server.base_url, model="tiny", key_env=None, concurrency=1, deadline_s=3
        ).generate(asked(*(f"q{i}" for i in range(66))), Decoding())
        first: list[object] = []
        while len(first) < 64:
            first += next(generator)
    rest = [answer for batch in generator for answer in batch]
    assert len(first) + len(rest) == 66
    assert "cannot be reached" in str(rest[-1].failure)


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


def test_the_connection_test_says_nothing_when_all_is_well_and_a_sentence_when_not(server, monkeypatch):
    remote.check(server.base_url, "tiny", None)
    with pytest.raises(Refusal, match="has no model grand"):
        remote.check(server.base_url, "grand", None)
    with pytest.raises(Refusal, match="holds no usable key"):
        remote.check(server.base_url, "tiny", "NO_SUCH_VARIABLE")
    server.faults["*"] = [openai_server.returns(HTMLResponse("<h1>It works!</h1>"))]
    with pytest.raises(Refusal, match="did not answer as an OpenAI-compatible server"):
        remote.check(server.base_url, "tiny", None)


def test_one_byte_a_second_is_cut_off_at_the_deadline(server):
    began = monotonic()
    assert "did not answer within 1.5 seconds" in failure(server, trickles(), deadline_s=1.5)
    assert monotonic() - began < 6


def test_an_answer_of_ten_megabytes_is_not_read(server):
    assert "larger than 2 MB" in failure(server, returns(Response(b" " * 10_000_000, media_type="application/json")))


def test_a_wrong_model_is_answered_with_the_models_that_are_there(server):
    server.models = ("tiny", "small")
    with pytest.raises(Refusal, match=r"has no model grand\. It has: small, tiny\."):
        remote.check(server.base_url, "grand", None)


def test_https_to_a_server_without_tls_is_said_in_a_sentence(server):
    with pytest.raises(Refusal, match="does not speak TLS"):
        remote.check(server.base_url.replace("http://", "https://"), "tiny", None)


def test_a_long_row_of_failures_ends_the_job_instead_of_trying_all_the_rest(server):
    server.faults["*"] = [returns(error(500, "oops", retry_after="0"))] * 10_000
    server.faults["start"] = [returns(completion("fine"))]
    with pytest.raises(Refusal, match="The last 40 calls all failed"):
        answered(server, *(f"q{i}" for i in range(200)), concurrency=8)
    assert len(server.seen) < 48 * remote.TRIES + 2


def test_pauses_that_the_server_asks_for_do_not_count_against_the_deadline(server):
    server.faults["x"] = [returns(error(429, "slow down", retry_after="1"))] * 2
    assert answered(server, "x", deadline_s=1.5)["x"].text == "echo: x"


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
