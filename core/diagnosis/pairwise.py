"""Which version do people prefer? Wins, ties and losses of two; strengths of three or more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import evalica
import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from core.diagnosis import intervals
from core.diagnosis.verdicts import FEWEST, NOTHING, Sentence, points
from core.locale.mark import N_

Outcome = Literal["preferred", "beaten", "open", "nothing"]

PREFERRED = N_(
    "Preferred on %(n)s samples: %(wins)s wins, %(ties)s ties, %(losses)s losses; wins less losses are %(gain)s "
    "points, 95%% interval %(low)s to %(high)s."
)
BEATEN = N_(
    "Beaten on %(n)s samples: %(wins)s wins, %(ties)s ties, %(losses)s losses; wins less losses are %(gain)s points, "
    "95%% interval %(low)s to %(high)s."
)
OPEN = N_(
    "Not enough evidence yet on %(n)s samples: %(wins)s wins, %(ties)s ties, %(losses)s losses; wins less losses are "
    "%(gain)s points, 95%% interval %(low)s to %(high)s."
)
UNCONNECTED = N_(
    "No order can be given: a version, or a group of them, won or lost every comparison with the others. The counts "
    "say all there is to say; more comparisons may help."
)
TOO_THIN = N_(
    "The order hangs on a few samples: without them a version wins or loses every comparison. So there are no "
    "intervals; compare more samples."
)

RESAMPLES = 500
MOST_UNCONNECTED = 0.05
"""Share of resamples that may lack an order before the interval means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's word on two versions' answers to a sample: 1 for `left`, -1 for `right`, 0 for neither."""

    sample: str
    left: str
    right: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """New against old over the same samples, several votes on a sample averaged; `paired` is wins less losses."""

    wins: int
    ties: int
    losses: int
    paired: intervals.Paired
    outcome: Outcome

    @property
    def sentence(self) -> Sentence:
        """What this means for the new version, in words."""
        if self.outcome == "nothing":
            return Sentence(NOTHING, {})
        told = {"n": self.paired.n, "wins": self.wins, "ties": self.ties, "losses": self.losses}
        values = {name: str(count) for name, count in told.items()}
        values |= {"gain": points(self.paired.mean or 0.0)}
        values |= {"low": points(self.paired.low), "high": points(self.paired.high)}
        return Sentence({"preferred": PREFERRED, "beaten": BEATEN}.get(self.outcome, OPEN), values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A version's chance, in 0..1, of being preferred to an average one of the round, with its 95% interval."""

    version: str
    chance: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The versions from the strongest on; empty with a `doubt` when no order can be given."""

    standings: Sequence[Standing]
    doubt: Sentence | None
    samples: int


def duel(votes: Sequence[Vote], new: str, old: str, groups: Mapping[str, str] | None = None) -> Duel:
    """Judge two versions by the votes that are about both of them; `groups` has the group of each sample.

    A tie counts as zero; the interval is that of all paired differences (see intervals.paired), which a few
    one-sided votes do not collapse.
    """
    by_sample: dict[str, list[int]] = {}
    for vote in votes:
        if {vote.left, vote.right} == {new, old}:
            by_sample.setdefault(vote.sample, []).append(vote.value if vote.left == new else -vote.value)
    means = {sample: sum(values) / len(values) for sample, values in sorted(by_sample.items())}
    paired = intervals.paired(
        [(1 - mean) / 2 for mean in means.values()],
        [(1 + mean) / 2 for mean in means.values()],
        [groups[sample] for sample in means] if groups is not None else None,
    )
    outcome: Outcome = "open"
    if not means:
        outcome = "nothing"
    elif paired.n >= FEWEST and (paired.low > 0 or paired.high < 0):
        outcome = "preferred" if paired.low > 0 else "beaten"
    return Duel(wins=paired.fixed, ties=paired.unchanged, losses=paired.broken, paired=paired, outcome=outcome)


def rank(votes: Sequence[Vote], *, seed: int = 1) -> Ranking:
    """Bradley-Terry strengths (evalica; a tie is half a win for both), with intervals from resampled samples.

    A version that won or lost everything has no finite strength: without strong connection of who beat whom there
    is no order, and evalica would not say so.
    """
    versions = sorted({name for vote in votes for name in (vote.left, vote.right)})
    wins = _wins_by_sample(votes, versions)
    if len(versions) < 2 or not _connected(wins.sum(axis=0)):
        return Ranking(standings=(), doubt=Sentence(UNCONNECTED, {}), samples=len(wins))
    logs = _strengths(wins.sum(axis=0))
    drawn = np.random.default_rng(seed).multinomial(len(wins), [1 / len(wins)] * len(wins), size=RESAMPLES)
    tables = [table for table in np.tensordot(drawn.astype(float), wins, axes=1) if _connected(table)]
    thin = len(tables) < (1 - MOST_UNCONNECTED) * RESAMPLES
    low, high = (
        (None, None) if thin else np.quantile(np.stack([_strengths(table) for table in tables]), [0.025, 0.975], axis=0)
    )
    standings = [
        Standing(
            version=version,
            chance=_chance(logs[place]),
            low=None if low is None else min(_chance(low[place]), _chance(logs[place])),
            high=None if high is None else max(_chance(high[place]), _chance(logs[place])),
        )
        for place, version in enumerate(versions)
    ]
    return Ranking(
        standings=sorted(standings, key=lambda one: -one.chance),
        doubt=Sentence(TOO_THIN, {}) if thin else None,
        samples=len(wins),
    )


def _wins_by_sample(votes: Sequence[Vote], versions: Sequence[str]) -> NDArray[np.float64]:
    """(sample, winner, loser) -> wins; the votes on one pair of a sample weigh one together."""
    place = {version: number for number, version in enumerate(versions)}
    samples = {sample: number for number, sample in enumerate(sorted({vote.sample for vote in votes}))}
    found = np.zeros((len(samples), len(versions), len(versions)))
    for vote in votes:
        left, right = place[vote.left], place[vote.right]
        found[samples[vote.sample], left, right] += (1 + vote.value) / 2
        found[samples[vote.sample], right, left] += (1 - vote.value) / 2
    together = found + found.transpose(0, 2, 1)
    return np.divide(found, together, out=np.zeros_like(found), where=together > 0)


def _connected(wins: NDArray[np.float64]) -> bool:
    return bool(connected_components(wins > 0, connection="strong")[0] == 1)


def _strengths(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log strengths with mean zero."""
    winners, losers = np.nonzero(wins)
    scores = evalica.bradley_terry(
        [int(one) for one in winners],
        [int(one) for one in losers],
        [evalica.Winner.X] * len(winners),
        weights=[float(one) for one in wins[winners, losers]],
        limit=10_000,
    ).scores
    logs = np.log([scores[number] for number in range(len(wins))])
    return np.asarray(logs - logs.mean())


def _chance(log_strength: float) -> float:
    return float(1 / (1 + np.exp(-log_strength)))
