"""The few questions that a bundle brings with the answers that were signed, asked again before it answers anybody."""

import asyncio
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import Refusal
from core.generation.base import Decoding, Message
from core.locale.mark import N_
from core.release import bench, enclosures
from core.release.bundles import Bundle
from core.release.replies import Refused, Whole
from core.settings import REPOSITORY

DEADLINE_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoke:
    """How many questions were asked, and how many of the answers are word for word those that were signed."""

    asked: int
    same: int


def check(bundle: Bundle) -> Smoke:
    """Ask them. Raises Refusal when the model cannot answer, or when a repeatable one says nothing of what was signed.

    Other hardware may round otherwise, so a single answer may differ; at a temperature, and behind an endpoint that
    somebody else looks after, all of them may.
    """
    questions = bundle.smoke()
    if not questions:
        return Smoke(asked=0, same=0)
    texts = answers(bundle, [_asked(bundle, one) for one in questions])
    same = sum(text.strip() == one["answer"].strip() for text, one in zip(texts, questions, strict=True))
    repeatable = not bundle.remote and bundle.decoding.temperature == Decoding().temperature
    if repeatable and not same:
        raise Refusal(
            N_("None of the %(count)s check questions is answered as it was when this was signed. Do not rely on it; "
               "test the model again."),
            count=len(questions),
        )  # fmt: skip
    return Smoke(asked=len(questions), same=same)


Asked = tuple[Bundle, Sequence[Message]]
"""A question's messages, and the bundle as it asks them (see `Bundle.as_asked`)."""


def _asked(bundle: Bundle, question: Mapping[str, Any]) -> Asked:
    asking = bundle.as_asked(question)
    passages = enclosures.look_up(bundle, question["input"]) if asking.looks_up else ()
    return asking, asking.messages(question["input"], question["context"], question["fields"], passages)


def answers(bundle: Bundle, asked: Sequence[Asked]) -> list[str]:
    """What the bundle's model says to these messages. Raises Refusal when it cannot answer one of them."""
    return asyncio.run(_relayed(asked)) if bundle.remote else _local(bundle, asked)


ENDED = N_("The model that should answer the check questions stopped without a word. Try again.")
FAILED = N_("The check questions of this release could not be answered: %(error)s")


def _local(bundle: Bundle, asked: Sequence[Asked]) -> list[str]:
    line = json.dumps(bench.task(bundle) | {"requests": [messages for _, messages in asked]}) + "\n"
    try:
        done = subprocess.run(
            bench.COMMAND,
            cwd=REPOSITORY,
            env=bench.environment(),
            input=line,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
        reply = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        raise Refusal(ENDED) from error
    if sentence := reply.get("refusal"):
        raise Refusal(FAILED, error=sentence)
    if failed := next((answer["failure"] for answer in reply["answers"] if answer["failure"]), None):
        raise Refusal(FAILED, error=failed)
    return [str(answer["text"]) for answer in reply["answers"]]


async def _relayed(asked: Sequence[Asked]) -> list[str]:
    from core.release.relay import Relay  # its client takes a second to load, and only this check needs it

    relay, texts = Relay(), []
    try:
        for asking, messages in asked:
            async for said in relay.ask(asking, messages, streaming=False):
                texts.extend([said.text] if isinstance(said, Whole) else [])
    except Refused as refused:
        raise Refusal(FAILED, error=str(refused)) from refused
    finally:
        await relay.close()
    return texts
