"""A judge's reply: a rationale and then a verdict, or nothing. What cannot be read is no verdict."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from core.generation.base import Message
from core.scoring import strict_json, texts

LONGEST_RATIONALE = 2_000
LONGEST_REPLY = 20_000

NOT_ALONE = "it was not one JSON object alone"
NO_RATIONALE = "it had no rationale"
WRONG_ORDER = "the verdict stood before its rationale"
NO_VERDICT = "its verdict was none of those allowed"
OTHER_FIELDS = "it had other fields than rationale and verdict"

_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
_FENCED = re.compile(r"^```(?:json)?\s*\n(.*)\n\s*```$", re.DOTALL)


class Said(NamedTuple):
    """What a reply says; without a verdict, `problem` tells what is wrong with it."""

    verdict: str | None
    rationale: str
    problem: str = ""


def schema(allowed: Sequence[str]) -> dict[str, Any]:
    """What an endpoint that can is asked to hold replies to. They are read as strictly when it cannot."""
    return {
        "type": "object",
        "properties": {"rationale": {"type": "string"}, "verdict": {"type": "string", "enum": list(allowed)}},
        "required": ["rationale", "verdict"],
        "additionalProperties": False,
    }


def read(reply: str, allowed: Sequence[str]) -> Said:
    """The verdict, only if the whole reply is the one object that was asked for.

    An object somewhere in the reply does not do: it may be one that the judge quotes from the answer.
    """
    text = _THOUGHT.sub("", reply[:LONGEST_REPLY]).strip()
    fenced = _FENCED.match(text)
    found, problem = strict_json.read(fenced[1] if fenced else text)
    if problem or not isinstance(found, dict):
        return Said(None, "", NOT_ALONE)
    rationale, verdict = found.get("rationale"), found.get("verdict")
    if not isinstance(rationale, str) or not rationale.strip():
        return Said(None, "", NO_RATIONALE)
    if not isinstance(verdict, str) or verdict not in allowed:
        return Said(None, "", NO_VERDICT)
    if len(found) > 2:
        return Said(None, "", OTHER_FIELDS)
    if list(found) != ["rationale", "verdict"]:
        return Said(None, "", WRONG_ORDER)
    return Said(verdict, texts.storable(rationale.strip())[:LONGEST_RATIONALE])


def repair(messages: Sequence[Message], problem: str) -> tuple[Message, ...]:
    """The same call once more with what was wrong. The reply itself is left out: it may carry words of the answer."""
    *before, last = messages
    again = (
        f"{last['content']}\n\nAn earlier reply could not be read: {problem}. "
        'Give only {"rationale": "…", "verdict": "…"} with one of the verdicts allowed.'
    )
    return (*before, {**last, "content": again})


def both_orders(straight: str | None, swapped: str | None) -> str | None:
    """One verdict on a pair from its two orders, in terms of the straight one; None when either call gave none.

    A judge that prefers whichever comes first contradicts itself, and that is a tie.
    """
    if straight is None or swapped is None:
        return None
    turned = {"first": "second", "second": "first", "tie": "tie"}[swapped]
    return straight if straight == turned else "tie"
