"""Vectors from an endpoint: real HTTP, and a sentence for everything that is no vector."""

import numpy as np
import pytest
from starlette.responses import JSONResponse

from core.errors import Refusal
from core.generation import embedding
from tests.openai_server import bag, cuts, embeddings, error, returns, serve


@pytest.fixture(scope="module")
def server():
    with serve(key="sk-secret") as running:
        yield running


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("EMBEDDING_KEY", "sk-secret")


def embed(server, *texts, **how):
    return embedding.embed(
        **{"base_url": server.base_url, "model": "tiny", "key_env": "EMBEDDING_KEY"} | how, texts=texts
    )


def test_texts_go_16_a_call_and_every_vector_is_its_own_with_length_1(server):
    server.embedded.clear()
    texts = [f"text {number}" for number in range(40)]
    found = embed(server, *texts)
    assert sorted(map(len, server.embedded)) == [8, 16, 16]
    assert found.shape == (40, 256)
    for text, vector in zip(texts, found, strict=True):
        expected = np.array(bag(text)) / np.linalg.norm(bag(text))
        assert vector == pytest.approx(expected, abs=1e-6)


def test_a_short_fault_is_asked_again_and_an_answer_too_large_in_halves(server):
    large = JSONResponse({"data": "x" * 2_100_000})
    server.faults["embeddings"] = [cuts(), returns(error(429, "slow", retry_after="0")), returns(large)]
    server.embedded.clear()
    assert len(embed(server, "a b c", "d e f")) == 2
    assert [len(texts) for texts in server.embedded] == [2, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        ([[1.0, 2.0]], "one vector of numbers for each of the 2 texts"),
        ([[1.0, 2.0]] * 3, "one vector"),
        ([[1.0, float("nan")], [1.0, 2.0]], "one vector"),
        ([[1.0, float("inf")], [1.0, 2.0]], "one vector"),
        ([[1.0, 2.0], [1.0]], "one vector"),
        ([[0.0, 0.0], [1.0, 2.0]], "one vector"),
        ([[], []], "one vector"),
        (["AAAA", "BBBB"], "one vector"),
        ([None, None], "one vector"),
    ],
)
def test_what_is_no_vector_for_each_text_is_a_sentence(server, vectors, said):
    server.faults["embeddings"] = [returns(embeddings(vectors))]
    with pytest.raises(Refusal, match=said):
        embed(server, "one", "two")


def test_what_cannot_be_asked_is_a_sentence(server, monkeypatch):
    with pytest.raises(Refusal, match="no model other, or no embeddings"):
        embed(server, "x", model="other")
    with pytest.raises(Refusal, match="cannot be reached"):
        embed(server, "x", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(Refusal, match="not allowed"):
        embed(server, "x", base_url="http://169.254.169.254/v1")
    monkeypatch.setenv("EMBEDDING_KEY", "sk-wrong")
    with pytest.raises(Refusal, match="does not accept the key in EMBEDDING_KEY"):
        embed(server, "x")
    monkeypatch.delenv("EMBEDDING_KEY")
    with pytest.raises(Refusal, match="holds no usable key"):
        embed(server, "x")


def test_one_bad_call_of_many_is_no_vectors_at_all(server):
    server.faults["embeddings"] = [returns(embeddings([bag(str(n)) for n in range(16)])), returns(error(400, "bad"))]
    with pytest.raises(Refusal, match="rejected the call"):
        embed(server, *map(str, range(100)))


def test_vectors_of_different_lengths_are_no_vectors_at_all(server, monkeypatch):
    monkeypatch.setattr(server, "embed", lambda text: [1.0] * (1 if int(text) < 16 else 2))
    with pytest.raises(Refusal, match="different lengths"):
        embed(server, *map(str, range(32)))
