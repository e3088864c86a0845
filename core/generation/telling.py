"""Answers told while they are decoded: whole characters only, nothing twice, nothing after an answer's end."""

from collections.abc import Callable, Sequence
from typing import Any

Told = Callable[[str, str], None]
"""(key of the request, the next piece of its answer)."""


class Teller:
    """Turns tokens into pieces of text for one `generate`; put together, an answer's pieces are its text.

    A batch that is begun anew, since memory ran out, says the same again: what was told is not told twice.
    """

    def __init__(self, tokenizer: Any, ends: Sequence[int], told: Told) -> None:
        self._tokenizer, self._ends, self._told = tokenizer, set(ends), told
        self._length: dict[str, int] = {}

    def batch(self, keys: Sequence[str]) -> Callable[[Sequence[int], Sequence[int]], None]:
        """For each step of a batch with these requests: the rows that go on, and the token that each of them chose."""
        tokens: list[list[int] | None] = [[] for _ in keys]

        def step(rows: Sequence[int], chosen: Sequence[int]) -> None:
            for row, token in zip(rows, chosen, strict=True):
                so_far = tokens[row]
                if so_far is None or token in self._ends:
                    tokens[row] = None
                    continue
                so_far.append(token)
                self._tell(keys[row], so_far)

        return step

    def _tell(self, key: str, tokens: Sequence[int]) -> None:
        text = str(self._tokenizer.decode(tokens, skip_special_tokens=True))
        self.rest(key, text.rstrip("�"))  # half a character: its other bytes come with the next token

    def rest(self, key: str, text: str) -> None:
        """Tell what of this text was not told yet; after an answer's end, its last broken character, too."""
        if missing := text[self._length.get(key, 0) :]:
            self._length[key] = len(text)
            self._told(key, missing)
