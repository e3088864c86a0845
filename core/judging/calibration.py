"""A judge held against people: what it passes of what they passed, and whether that is known well enough to say so.

The unit is the sample: several answers to one question, and several raters of one answer, are averaged first.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import pearsonr, rankdata
from statsmodels.stats.weightstats import DescrStatsW

from core.diagnosis import agreement, intervals
from core.diagnosis.agreement import Agreement
from core.diagnosis.intervals import Rate

ENOUGH = 50
"""Samples with a human label below which no number of a judge is called accuracy."""
ENOUGH_TO_CORRECT = 100
LEAST_YOUDEN = 0.6
"""TPR + TNR - 1 from which on correcting human labels by a judge makes them more precise."""
FEWEST_LENGTHS = 4
"""Fisher's interval needs so many samples."""
ONE_SIDED = 0.85
"""Above this share of one verdict, agreement cannot be judged: nearly everything is the same."""


class Label(NamedTuple):
    """One answer: whether most people passed it, whether the judge did (None: it failed), and people's votes."""

    human: bool
    judge: bool | None
    failed: int = 0
    passed: int = 0


Samples = Mapping[tuple[Label, ...], int]
"""What samples look like, each with the answers that were judged, and how many look so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`confusion` counts answers: (human passed, judge passed), with None where the judge failed.

    `tpr` is the share of what people passed that the judge passes, `tnr` the same for failing; their n are samples.
    """

    samples: int
    answers: int
    confusion: Mapping[tuple[bool, bool | None], int]
    tpr: Rate
    tnr: Rate
    agreement: Rate
    alpha: Agreement
    people: Agreement
    one_sided: bool

    @property
    def needed(self) -> int:
        """How many more samples have to be rated before the judge's numbers mean something."""
        return max(0, ENOUGH - self.samples)

    @property
    def calibrated(self) -> bool:
        """Enough labels, and of both kinds."""
        return not self.needed and self.tpr.n > 0 and self.tnr.n > 0


def calibrate(samples: Samples) -> Calibration:
    """The judge against people. A failed judgement is counted in the confusion and nowhere else."""
    confusion = {(human, judge): 0 for human in (True, False) for judge in (True, False, None)}
    for labels, count in samples.items():
        for one in labels:
            confusion[one.human, one.judge] += count
    answers = sum(count for (_, judge), count in confusion.items() if judge is not None)
    passed = (confusion[True, True] + confusion[True, False]) / answers if answers else 0.0
    return Calibration(
        samples=_rate(samples, None).n,
        answers=answers,
        confusion=confusion,
        tpr=_rate(samples, True),
        tnr=_rate(samples, False),
        agreement=_rate(samples, None),
        alpha=_alpha(samples, lambda one: None if one.judge is None else (one.human, one.judge)),
        people=_alpha(samples, lambda one: (*[False] * one.failed, *[True] * one.passed)),
        one_sided=answers > 0 and max(passed, 1 - passed) > ONE_SIDED,
    )


def _rate(samples: Samples, kind: bool | None) -> Rate:
    """How often the judge says what people said, per sample: of what they passed, of what they failed, or of both."""
    n, total, squares = 0, 0.0, 0.0
    for labels, count in samples.items():
        said = [one.judge == one.human for one in labels if one.judge is not None and kind in (None, one.human)]
        if said:
            share = sum(said) / len(said)
            n, total, squares = n + count, total + count * share, squares + count * share**2
    return intervals.mean_of_sums(n, total, squares)


def _alpha(samples: Samples, verdicts: Callable[[Label], tuple[bool, ...] | None]) -> Agreement:
    patterns = Counter[agreement.Pattern]()
    for labels, count in samples.items():
        said = [found for one in labels if (found := verdicts(one))]
        patterns[tuple(sorted((len(one) - sum(one), sum(one)) for one in said))] += count
    return agreement.of_patterns(patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How far verdicts follow the length of the answer: Spearman's rank correlation over n samples, -1..1.

    With its 95% interval (Fisher's z); None where nothing varies or fewer than four samples are there.
    """

    value: float | None
    low: float
    high: float
    n: int

    @property
    def leans(self) -> Literal["long", "short", ""]:
        """What the verdicts favour; nothing is said of an interval that crosses zero."""
        return "long" if self.low > 0 else "short" if self.high < 0 else ""


def with_length(verdicts: Sequence[float], lengths: Sequence[float]) -> Length:
    """Whether longer answers pass more often; one verdict in 0..1 and one length in characters per sample."""
    said, long = rankdata(np.asarray(verdicts, dtype=float)), rankdata(np.asarray(lengths, dtype=float))
    if said.size < FEWEST_LENGTHS or np.ptp(said) == 0 or np.ptp(long) == 0:
        return Length(value=None, low=-1.0, high=1.0, n=int(said.size))
    found = pearsonr(said, long)
    bounds = found.confidence_interval()
    return Length(value=float(found.statistic), low=float(bounds.low), high=float(bounds.high), n=int(said.size))


def corrected(calibration: Calibration, judged: Mapping[str, float], human: Mapping[str, float]) -> Rate | None:
    """The share that people would pass, from the judge's verdicts on all samples and people's on some.

    Prediction-powered inference for a mean (Angelopoulos et al. 2023): the judge's mean, moved by its mean error on
    the samples that people rated; values are per sample in 0..1. None unless the judge is good enough and 100 samples
    are rated: below, the interval promises too much.
    """
    shared = sorted(judged.keys() & human.keys())
    rest = [judged[sample] for sample in judged.keys() - human.keys()]
    good = (calibration.tpr.value or 0) + (calibration.tnr.value or 0) - 1 >= LEAST_YOUDEN
    if len(shared) < ENOUGH_TO_CORRECT or not good or len(rest) < 2:
        return None
    error = DescrStatsW(np.array([human[sample] - judged[sample] for sample in shared]))
    mean = float(np.mean(rest)) + float(error.mean)
    half = 1.959964 * float(np.sqrt(error.std_mean**2 + DescrStatsW(np.array(rest)).std_mean ** 2))
    return Rate(value=min(1.0, max(0.0, mean)), low=max(0.0, mean - half), high=min(1.0, mean + half), n=len(shared))
