"""What a server sends back, which may be anything: the text of a completion, the words of an error, a pause it asks."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.generation.failures import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A completion's text and its tokens, where the server counts them; `cut` if it reached the limit of tokens."""

    text: str
    cut: bool
    prompt_tokens: int | None
    completion_tokens: int | None


def read(body: bytes, *, most_tokens: int, quoted: Callable[[str], str]) -> Reply | Failure:
    """The reply in a body, or why there is none: compatible servers leave out much of what the format asks for."""
    try:
        loaded = json.loads(body)
        if loaded["choices"] == []:
            return Failure(code="no_choice")
        choice = loaded["choices"][0]
        text, finish = choice["message"].get("content"), str(choice.get("finish_reason"))
        usage = loaded.get("usage") or {}
        counts = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Failure(code="incompatible")
    if not text and finish == "length":
        return Failure(code="only_thought", values={"tokens": most_tokens})
    if text is None:
        return Failure(code="no_text", values={"finish": quoted(finish)})
    if not isinstance(text, str):
        return Failure(code="incompatible")
    prompt_tokens, completion_tokens = map(count, counts)
    sound = text.encode("utf-8", "replace").decode()  # half a surrogate pair could not be stored
    return Reply(text=sound, cut=finish == "length", prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)


def vectors(body: bytes, count: int) -> NDArray[np.float32] | None:
    """One vector of length 1 for each of so many texts, in their order; None if that is not what the body holds."""
    try:
        rows = list(enumerate(json.loads(body)["data"]))
        placed = {row.get("index", place): row["embedding"] for place, row in rows}
        found = np.array([placed[place] for place in range(count)], dtype=np.float64)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    if len(rows) != count or found.ndim != 2 or not np.isfinite(found).all():
        return None
    largest = np.abs(found).max(axis=1, initial=0.0, keepdims=True)
    if not largest.all():
        return None  # a vector without a direction is like nothing
    found /= largest  # so that no square overflows
    unit: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return unit


def message(body: object, text: str) -> str:
    """The words of an error: of its body as the client read it, else the `text` as it is."""
    said = body.get("message") if isinstance(body, dict) else body
    return said if isinstance(said, str) else text


def listed(body: bytes) -> list[str]:
    """The names in a list of models; empty if it is none."""
    try:
        return sorted(str(one["id"])[:100] for one in json.loads(body)["data"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return []


def pause_s(header: str) -> float | None:
    """Seconds to wait, from either form of Retry-After: a number, or a date."""
    try:
        seconds = float(header)
        return seconds if 0 <= seconds < float("inf") else None
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except (ValueError, OverflowError):
        return None


def count(value: Any) -> int | None:
    """A number of tokens that can be believed and stored."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None
