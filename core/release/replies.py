"""What the server's answers are made of, whichever model gives them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass


class Refused(Exception):
    """An answer that is an error, in the form that OpenAI gives it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A finished answer; token counts where the model tells them."""

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


Reply = AsyncGenerator[str | Whole, None]
"""Pieces of the text while they are made, where that was asked for, and last the whole. It may raise Refused."""
