"""Conversations in a file, recognised by their shape: each becomes one question, its right answer and what came before.

The shapes are those that training files have: chat `messages`, ShareGPT's `conversations`, and Alpaca's `instruction`,
`input` and `output` with an optional `history` and `system`, the latter two as LLaMA-Factory describes them.
"""

from collections.abc import Mapping
from typing import Any, Literal

from core.intake.tables import RowProblem
from core.locale.mark import N_

Shape = Literal["", "messages", "sharegpt", "alpaca"]

_LISTS: dict[str, Shape] = {"messages": "messages", "conversations": "sharegpt", "conversation": "sharegpt"}
_PARTS = ("input", "reference", "context")
_SYSTEM, _USER, _ASSISTANT = ("system", "developer"), ("user", "human"), ("assistant", "gpt", "model", "bot", "chatgpt")
_WORDS = dict.fromkeys(_SYSTEM, "System") | dict.fromkeys(_USER, "User") | dict.fromkeys(_ASSISTANT, "Assistant")


def recognise(record: Mapping[str, Any]) -> Shape:
    """The shape of a file whose first object this is; empty when it is a plain table."""
    for name, shape in _LISTS.items():
        turns = record.get(name)
        if isinstance(turns, list) and turns and isinstance(turns[0], dict) and _tags(turns[0]):
            return shape
    if {"instruction", "output"} <= record.keys() and record.keys() & {"input", "history", "system"}:
        return "alpaca"
    return ""


def flatten(shape: Shape, record: dict[str, Any], line: int) -> dict[str, Any] | RowProblem:
    """The object with its conversation as `input`, `reference` and `context`, its other parts as they are.

    The last question is the input and the answer after it the reference, empty when there is none; instructions and
    earlier turns are the context.
    """
    if shape == "":
        return record
    if shape == "alpaca":
        return _alpaca(record, line)
    name = next((name for name, one in _LISTS.items() if one == shape and name in record), "")
    turns = record.get(name)
    said = [_turn(turn) for turn in turns] if isinstance(turns, list) else []
    if not said or any(one is None for one in said):
        return _unfit(line, name)
    known = [one for one in said if one is not None]
    if isinstance(record.get("system"), str) and record["system"].strip():
        known.insert(0, ("System", record["system"]))
    reference = known.pop()[1] if known[-1][0] == "Assistant" else ""
    if not known or known[-1][0] != "User":
        return _unfit(line, name)
    question = known.pop()[1]
    rest = {key: value for key, value in record.items() if key not in (name, "system", *_PARTS)}
    return {"input": question, "reference": reference, "context": _earlier(known), **rest}


def _alpaca(record: dict[str, Any], line: int) -> dict[str, Any] | RowProblem:
    texts = {name: record.get(name) or "" for name in ("instruction", "input", "output", "system")}
    history = record.get("history") or []
    pairs = isinstance(history, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair) for pair in history
    )
    if not pairs or not all(isinstance(text, str) for text in texts.values()):
        return _unfit(line, None)
    earlier = [("System", texts["system"])] if texts["system"].strip() else []
    for question, answer in history:
        earlier += [("User", question), ("Assistant", answer)]
    rest = {key: value for key, value in record.items() if key not in (*texts, "history", *_PARTS)}
    return {
        "input": "\n".join(text for text in (texts["instruction"], texts["input"]) if text),
        "reference": texts["output"],
        "context": _earlier(earlier),
        **rest,
    }


def _tags(turn: Mapping[str, Any]) -> tuple[str, str] | None:
    """The names under which a turn says who speaks and what."""
    return next((tags for tags in (("role", "content"), ("from", "value")) if turn.keys() >= set(tags)), None)


def _turn(turn: Any) -> tuple[str, str] | None:
    """Who speaks (System, User, Assistant) and the text; None for a tool, a picture or anything else."""
    tags = _tags(turn) if isinstance(turn, dict) else None
    if tags is None:
        return None
    speaker, content = turn[tags[0]], turn[tags[1]]
    if isinstance(content, list):  # the parts of a message, as chat APIs take them
        texts: list[Any] = [part.get("text") if isinstance(part, dict) else None for part in content]
        content = "\n".join(texts) if all(isinstance(text, str) for text in texts) else None
    word = _WORDS.get(speaker.casefold()) if isinstance(speaker, str) else None
    return (word, content) if word and isinstance(content, str) else None


def _earlier(turns: list[tuple[str, str]]) -> str:
    return "\n\n".join(f"{speaker}: {text}" for speaker, text in turns)


def _unfit(line: int, column: str | None) -> RowProblem:
    message = N_(
        "The conversation cannot be used: it must end with a question and its answer, and all turns must be text by "
        "the system, the user or the assistant, without tools or pictures."
    )
    return RowProblem(row=line, column=column, message=message)
