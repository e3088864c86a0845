"""A judge held against people: what it passes of what they passed, and whether that is known well enough to say so.

The unit is the sample: several answers to one question, and several raters of one answer, are averaged first.
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import evalica
import numpy as np
import pandas as pd
from statsmodels.stats.weightstats import DescrStatsW

from core.diagnosis import intervals
from core.diagnosis.intervals import Rate

ENOUGH = 50
"""Samples with a human label below which no number of a judge is called accuracy."""
ENOUGH_TO_CORRECT = 100
LEAST_YOUDEN = 0.6
"""TPR + TNR - 1 from which on correcting human labels by a judge makes them more precise."""
ONE_SIDED = 0.85
"""Above this share of one verdict, agreement cannot be judged: nearly everything is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One answer with people's verdict (the share that passed it is never one half) and the judge's; None: failed."""

    sample_id: str
    human: bool
    judge: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alpha:
    """Krippendorff's alpha, nominal; None when nobody could disagree. `raw` is the share of agreeing pairs."""

    value: float | None
    raw: float | None
    n: int


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
    alpha: Alpha
    people: Alpha
    one_sided: bool

    @property
    def needed(self) -> int:
        """How many more samples have to be rated before the judge's numbers mean something."""
        return max(0, ENOUGH - self.samples)

    @property
    def calibrated(self) -> bool:
        """Enough labels, and of both kinds."""
        return not self.needed and self.tpr.n > 0 and self.tnr.n > 0


def calibrate(labelled: Sequence[Labelled], people: Sequence[Mapping[str, bool]] = ()) -> Calibration:
    """The judge against people; `people` are the verdicts of each answer by rater, for how well they agree.

    A failed judgement is counted in the confusion and nowhere else.
    """
    judged = [one for one in labelled if one.judge is not None]
    confusion = {
        (human, judge): sum((one.human, one.judge) == (human, judge) for one in labelled)
        for human in (True, False)
        for judge in (True, False, None)
    }
    passed = sum(one.human for one in judged) / len(judged) if judged else 0.0
    return Calibration(
        samples=len({one.sample_id for one in judged}),
        answers=len(judged),
        confusion=confusion,
        tpr=_rate([one for one in judged if one.human], True),
        tnr=_rate([one for one in judged if not one.human], False),
        agreement=_rate(judged, None),
        alpha=alpha([{"human": one.human, "judge": bool(one.judge)} for one in judged]),
        people=alpha(people),
        one_sided=bool(judged) and max(passed, 1 - passed) > ONE_SIDED,
    )


def _rate(judged: Sequence[Labelled], wanted: bool | None) -> Rate:
    """How often the judge says what was wanted (None: what people said), per sample."""
    by_sample: dict[str, list[float]] = defaultdict(list)
    for one in judged:
        by_sample[one.sample_id].append(float(one.judge == (one.human if wanted is None else wanted)))
    return intervals.mean_rate([sum(values) / len(values) for values in by_sample.values()])


def alpha(verdicts: Sequence[Mapping[str, bool]]) -> Alpha:
    """Agreement over the units that at least two observers judged, one mapping from observer to verdict each."""
    shared = [unit for unit in verdicts if len(unit) >= 2]
    if not shared:
        return Alpha(value=None, raw=None, n=0)
    pairs = [left == right for unit in shared for left, right in itertools.combinations(unit.values(), 2)]
    raw = sum(pairs) / len(pairs)
    if len({verdict for unit in shared for verdict in unit.values()}) < 2:
        return Alpha(value=None, raw=raw, n=len(shared))  # no variation: evalica would call it 1
    table = pd.DataFrame([{rater: float(verdict) for rater, verdict in unit.items()} for unit in shared]).T
    return Alpha(value=float(evalica.alpha(table).alpha), raw=raw, n=len(shared))


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
