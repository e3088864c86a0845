"""What every model backend does: requests in, batches of answers out, in whatever order is quick."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from core.generation.failures import Failure

Message = dict[str, str]
"""`{"role": "system" | "user" | "assistant", "content": text}`, as chat APIs and chat templates take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How answers are drawn. Temperature 0 is greedy and repeatable.

    `structured` asks an endpoint to hold answers to the set's JSON schema, as far as it can; a local model ignores it.
    """

    max_new_tokens: int = 48
    temperature: float = 0.0
    seed: int = 0
    structured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One answer wanted. `key` comes back with the answer and means nothing to the generator."""

    key: str
    messages: tuple[Message, ...]
    repeat: int = 0
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The text, or the reason why there is none: a failed call is never an empty answer.

    `cut` is a text that ended because it was not allowed to become longer.
    """

    key: str
    text: str | None = None
    failure: Failure | None = None
    cut: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_s: float | None = None

    def __post_init__(self) -> None:
        if (self.text is None) == (self.failure is None):
            raise ValueError("An answer has either a text or a failure.")


class Generator(Protocol):
    """A loaded model or a configured endpoint."""

    def generate(
        self, requests: Sequence[Request], decoding: Decoding, *, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[list[Answer]]:
        """Yield finished answers in batches until all are in or `stopped()` turns true; every request yields once."""
        ...
