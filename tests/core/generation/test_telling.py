"""What is told while an answer is decoded is the answer, whole characters at a time and nothing twice."""

import pytest
import torch

from core.generation import local
from core.generation.base import Decoding, Request
from core.generation.telling import Teller
from tests import tiny


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    return local.load(tiny.model(tmp_path_factory.mktemp("model")), dtype=torch.float32)


def requests():
    return [
        Request(key=str(number), messages=({"role": "user", "content": sentence},))
        for number, sentence in enumerate(tiny.SENTENCES)
    ]


@pytest.mark.parametrize("shares", [True, False], ids=["shared prefix", "usual"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_pieces_of_each_answer_are_its_text_and_the_answers_are_the_same(generator, shares, temperature):
    decoding = Decoding(max_new_tokens=20, temperature=temperature)
    usual, generator.shares = generator.shares, shares
    pieces: dict[str, list[str]] = {}

    def hear(key, piece):
        pieces.setdefault(key, []).append(piece)

    told = [answer for batch in generator.generate(requests(), decoding, told=hear) for answer in batch]
    silent = {answer.key: answer.text for batch in generator.generate(requests(), decoding) for answer in batch}
    generator.shares = usual
    assert {answer.key: answer.text for answer in told} == silent
    for answer in told:
        assert "".join(pieces.get(answer.key, [])) == answer.text
    assert max(map(len, pieces.values())) > 5


def test_a_batch_that_is_begun_anew_is_not_told_twice_and_half_a_character_waits(generator):
    heard = []
    teller = Teller(generator.tokenizer, generator.ends, lambda key, piece: heard.append((key, piece)))
    tokens = generator.tokenizer.encode("卡丢了", add_special_tokens=False)
    for _ in range(2):
        step = teller.batch(["a"])
        for token in [*tokens, generator.ends[0], tokens[0]]:
            step([0], [token])
    assert "".join(piece for _, piece in heard) == "卡丢了"
    assert all("�" not in piece for _, piece in heard)
