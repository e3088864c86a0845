"""How long an answer may become: as long as a right one needs, since every further token costs time and money."""

import math
from collections.abc import Sequence

import duckdb

from core.evaluation.eval_sets import EvalSet
from core.generation.base import Decoding

SPARE = 8
SENTENCE = 32
"""Tokens for the sentence around a short answer."""
UNTOLD = 512
"""Tokens where no reference tells how long a right answer is."""


def of_sets(conn: duckdb.DuckDBPyConnection, sets: Sequence[EvalSet]) -> Decoding:
    """Greedy decoding with room for the longest reference of the sets, in whatever form their scorers accept it."""
    return Decoding(max_new_tokens=max(_room(conn, one) for one in sets))


def _room(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet) -> int:
    # `tokens` in SQL: a set may have 200,000 references.
    query = """
        with said as (
            select reference, case when strlen(reference) = length(reference) then strlen(reference)
                else strlen(regexp_replace(reference, '[^\\x00-\\x7F]', '', 'g')) end as plain
            from eval_set_samples join samples using (sample_id) where eval_set_id = ?
        )
        select max(ceil(plain / 2.5) + strlen(reference) - plain) from said
    """
    found = conn.execute(query, [eval_set.eval_set_id]).fetchone()
    longest = int((found and found[0]) or 0)
    if not longest:
        return UNTOLD
    if eval_set.scorer in ("json", "exact"):
        return longest + SPARE
    if eval_set.scorer == "contains":
        return max(longest + SPARE, SENTENCE)
    return 2 * longest + SENTENCE  # free text: a reply may be longer than the reference


def tokens(text: str) -> int:
    """A careful guess without the model's tokenizer: 2.5 letters of English or JSON, one byte of anything else."""
    plain = len(text.encode("ascii", "ignore"))
    return math.ceil(plain / 2.5) + len(text.encode("utf-8", "replace")) - plain
