"""How much wording two texts share. It ranks drafts and never says that one is right.

"Needs approval" and "does not need approval" share almost everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal, get_args

from rapidfuzz.distance import LCSseq
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from core.errors import Refusal
from core.locale.mark import N_
from core.scoring import cases, texts
from core.scoring.cases import Case, Score

Measure = Literal["chrf", "rouge", "bleu"]
LONGEST_TOKENS = 5_000
"""Tokens that ROUGE compares: its time grows with their product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """chrF, ROUGE-L or BLEU in 0..1.

    - chrf: F-score of character n-grams (Popović 2015), which needs no words and so fits every language.
    - rouge: F-score of the longest common subsequence (Lin 2004), of words and of single CJK characters.
    - bleu: smoothed sentence BLEU (Papineni 2002); with sacrebleu's tokenizer for Chinese where the reference is.
    """

    VERSION: ClassVar[int] = 1
    measure: Measure = "chrf"

    def __post_init__(self) -> None:
        if self.measure not in get_args(Measure):
            raise Refusal(N_("“%(option)s” cannot be set for this scorer."), option=self.measure)

    def score(self, case: Case) -> list[Score]:
        wanted = texts.one_width(case.reference).strip()[: texts.LONGEST]
        if not wanted:
            return [cases.unknown(metric="overlap")]
        given = texts.one_width(case.answer[: texts.LONGEST]).strip()
        value = {"chrf": _chrf, "rouge": _rouge, "bleu": _bleu}[self.measure](given, wanted)
        return [Score(metric="overlap", value=min(1.0, max(0.0, value)))]

    def metrics(self, fields: Sequence[str] = ()) -> tuple[str, ...]:
        return ("overlap",)

    def parsed(self, answer: str) -> str:
        return texts.bare(answer)


def _chrf(given: str, wanted: str) -> float:
    return float(CHRF().sentence_score(given, [wanted]).score) / 100


def _rouge(given: str, wanted: str) -> float:
    left, right = texts.tokens(given)[:LONGEST_TOKENS], texts.tokens(wanted)[:LONGEST_TOKENS]
    return 2 * LCSseq.similarity(left, right) / (len(left) + len(right)) if left and right else 0.0


def _bleu(given: str, wanted: str) -> float:
    chinese = (texts.cjk_share(wanted) or 0.0) >= 0.5
    return float(_bleu_with("zh" if chinese else "13a").sentence_score(given, [wanted]).score) / 100


@cache
def _bleu_with(tokenizer: str) -> BLEU:
    return BLEU(tokenize=tokenizer, effective_order=True)
