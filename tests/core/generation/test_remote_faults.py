"""An endpoint's faults become sentences beside the answers that did arrive; real HTTP throughout."""

import gzip
import socket
from time import monotonic

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from core.errors import Refusal
from core.generation import remote, tries
from core.generation.base import Decoding
from tests.core.generation.conftest import answered, asked
from tests.openai_server import completion, cuts, error, floods, hangs, returns, serve, trickles


def failure(server, fault, **settings):
    """The sentence for a call to which this fault happens every time."""
    server.faults["x"] = [fault] * tries.MOST
    answers = answered(server, "x", **settings)
    assert answers["start"].text == "echo: start"
    return str(answers["x"].failure)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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


def test_a_rate_limit_that_names_no_wait_is_not_asked_again_at_once(server):
    server.faults["x"] = [returns(error(429, "slow down", retry_after="0"))] * 2
    assert answered(server, "x")["x"].text == "echo: x"
    _, first, second, third = server.arrived
    assert min(second - first, third - second) >= 0.25


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
        server.faults["q64"] = [hangs(30)]  # so that it stops before the last call, however busy the machine is
        generator = remote.load(
            base_url=server.base_url, model="tiny", key_env=None, concurrency=1, deadline_s=3
        ).generate(asked(*(f"q{i}" for i in range(66))), Decoding())
        first: list[object] = []
        while len(first) < 64:
            first += next(generator)
    rest = [answer for batch in generator for answer in batch]
    assert len(first) + len(rest) == 66
    assert "cannot be reached" in str(rest[-1].failure)


def test_the_connection_test_says_nothing_when_all_is_well_and_a_sentence_when_not(server, monkeypatch):
    remote.check(server.base_url, "tiny", None)
    with pytest.raises(Refusal, match="has no model grand"):
        remote.check(server.base_url, "grand", None)
    with pytest.raises(Refusal, match="holds no usable key"):
        remote.check(server.base_url, "tiny", "NO_SUCH_VARIABLE")
    server.faults["*"] = [returns(HTMLResponse("<h1>It works!</h1>"))]
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


def test_a_long_row_of_failures_ends_the_job_and_what_was_in_by_then_is_handed_over(server):
    server.faults["*"] = [returns(error(500, "oops", retry_after="0"))] * 10_000
    server.faults["start"] = [returns(completion("fine"))]
    generator = remote.load(base_url=server.base_url, model="tiny", key_env=None, concurrency=8)
    batches, answers = generator.generate(asked("start", *(f"q{i}" for i in range(200))), Decoding()), []
    with pytest.raises(Refusal, match="The last 40 calls all failed"):
        answers.extend(answer for batch in batches for answer in batch)
    assert len(answers) >= 40  # the first and 39 failures; the fortieth is what ended it
    assert len({answer.key for answer in answers}) == len(answers)
    assert len(server.seen) < 48 * tries.MOST + 2


def test_pauses_that_the_server_asks_for_do_not_count_against_the_deadline(server):
    server.faults["x"] = [returns(error(429, "slow down", retry_after="1"))] * 2
    assert answered(server, "x", deadline_s=1.5)["x"].text == "echo: x"
