"""JSON in untrusted text, read strictly and without ever raising: NaN and repeated keys are not JSON."""

import json
import re
from itertools import islice
from typing import Any

OPENINGS_TRIED = 100
"""Braces in a text that are tried as the start of its JSON object."""
TOO_DEEP = "It is nested too deeply."


def read(text: str) -> tuple[Any, str]:
    """The whole text as JSON and "", or None and what is wrong with it."""
    try:
        return _DECODER.decode(text.strip()), ""
    except json.JSONDecodeError as error:
        return None, f"Not JSON: {error.msg}."
    except ValueError as error:  # from the two hooks, or a number of thousands of digits
        return None, str(error)
    except RecursionError:
        return None, TOO_DEEP


def first_object(text: str) -> tuple[dict[str, Any] | None, str]:
    """The first JSON object that stands anywhere in the text and "", or None and why there is none."""
    for opening in islice(re.finditer(r"\{(?=\s*[\"}])", text), OPENINGS_TRIED):
        try:
            return _DECODER.raw_decode(text, opening.start())[0], ""
        except json.JSONDecodeError:
            continue
        except ValueError as error:
            return None, str(error)
        except RecursionError:
            return None, TOO_DEEP
    return None, "The answer has no JSON object."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    loaded = dict(pairs)
    if len(loaded) < len(pairs):
        raise ValueError("Not JSON: a key is repeated.")
    return loaded


def _constant(name: str) -> Any:
    raise ValueError(f"Not JSON: {name}.")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)
