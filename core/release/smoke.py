"""The few questions that a bundle brings with the answers that were signed, asked again before it answers anybody."""

import asyncio
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Refusal
from core.generation.base import Decoding, Message
from core.locale.mark import N_
from core.release import bench, enclosures
from core.release.bundles import Bundle
from core.release.relay import Relay
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
    asked = [
        bundle.messages(one["input"], one["context"], one["fields"], enclosures.look_up(bundle, one["input"]))
        for one in questions
    ]
    texts = answers(bundle, asked)
    same = sum(text.strip() == one["answer"].strip() for text, one in zip(texts, questions, strict=True))
    repeatable = not bundle.remote and bundle.decoding.temperature == Decoding().temperature
    if repeatable and not same:
        raise Refusal(
            N_("None of the %(count)s check questions is answered as it was when this was signed. Do not rely on it; "
               "test the model again."),
            count=len(questions),
        )  # fmt: skip
    return Smoke(asked=len(questions), same=same)


def answers(bundle: Bundle, asked: Sequence[Sequence[Message]]) -> list[str]:
    """What the bundle's model says to these messages. Raises Refusal when it cannot answer one of them."""
    return asyncio.run(_relayed(bundle, asked)) if bundle.remote else _local(bundle, asked)


ENDED = N_("The model that should answer the check questions stopped without a word. Try again.")
FAILED = N_("The check questions of this release could not be answered: %(error)s")


def _local(bundle: Bundle, asked: Sequence[Sequence[Message]]) -> list[str]:
    line = json.dumps(bench.task(bundle) | {"requests": asked}) + "\n"
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


async def _relayed(bundle: Bundle, asked: Sequence[Sequence[Message]]) -> list[str]:
    relay, texts = Relay(), []
    try:
        for messages in asked:
            async for said in relay.ask(bundle, messages, streaming=False):
                texts.extend([said.text] if isinstance(said, Whole) else [])
    except Refused as refused:
        raise Refusal(FAILED, error=str(refused)) from refused
    finally:
        await relay.close()
    return texts
