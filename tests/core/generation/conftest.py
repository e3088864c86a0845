"""Calls to a real HTTP server on this machine."""

import pytest

from core.generation import remote
from core.generation.base import Decoding, Request
from tests.openai_server import serve


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
