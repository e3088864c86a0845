"""Near-duplicates: rows that ask the same in nearly the same words, among themselves and as samples that are saved.

MinHash over character 3-grams finds candidates without comparing every pair (Broder 1997); the edit ratio confirms.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import duckdb
from rapidfuzz import fuzz

from core.evaluation import sketches
from core.intake import importing
from core.intake.importing import Row, Split
from core.store import database

NEAR = 90.0
"""From this rapidfuzz ratio (0..100) on, two texts count as the same question in other words; as before training."""
MOST_COMPARED = 30
"""Texts are compared with those that share a band of 3-grams, about half of them (Jaccard), the likest first. A ratio
of 90 in a text of 40 characters leaves about this much; in longer texts more."""

Progress = Callable[[float], object]
"""Hears the share that is done, now and then."""


def _unheard(share: float) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Rows number `first` and `second`, counted from 0, and their likeness in 0..100."""

    first: int
    second: int
    likeness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A sample of the newest version of one of the task's sets."""

    set_name: str
    version: int
    key: str
    input: str
    reference: str
    group_id: str
    split: Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """Row number `row`, counted from 0, the saved sample that it is like, and their likeness in 0..100."""

    row: int
    saved: Saved
    likeness: float
    settled: bool
    """Whether the row's own group has samples that are saved, and so a split already."""


def find(texts: Sequence[str], progress: Progress = _unheard) -> list[Pair]:
    """Each text's nearest earlier text that is no near-duplicate itself, for those that have one.

    Equal texts are near-duplicates, too.
    """
    pairs, normal = [], _normal(texts)
    index = _Index()
    for place, shared in enumerate(sketches.buckets(sketches.of(normal, progress)).tolist()):
        near = [(fuzz.ratio(normal[place], normal[one], score_cutoff=NEAR), -one) for one in index.like(shared)]
        best = max(near, default=(0.0, 0))
        if best[0] >= NEAR:
            pairs.append(Pair(first=-best[1], second=place, likeness=round(best[0], 1)))
        else:
            index.add(place, shared)
    return pairs


def saved(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[Saved]:
    """The samples of the newest version of each of the task's sets, the locked ones among them."""
    query = """
        with newest as (
            select eval_set_id, name, version from eval_sets where task_id = ?
            qualify row_number() over (partition by name order by version desc) = 1
        )
        select name as set_name, version, p.key, p.input, p.reference, p.group_id, p.split
        from newest join eval_set_samples as m using (eval_set_id) join samples as p using (sample_id)
        order by name, m.position
    """
    return [Saved(**row) for row in database.rows(conn, query, [task_id])]


def against(rows: Sequence[Row], known: Sequence[Saved], progress: Progress = _unheard) -> list[Twin]:
    """Each row's nearest saved sample of another group, for those that have one and are not saved already.

    A row of the same group is in the same split anyway.
    """
    ours, theirs = _normal([row.input for row in rows]), _normal([one.input for one in known])
    again = {(text, one.group_id) for text, one in zip(theirs, known, strict=True)}
    groups = {one.group_id for one in known}
    fewer, more = (ours, theirs) if len(ours) < len(theirs) else (theirs, ours)
    buckets = sketches.buckets(sketches.of([*fewer, *more], progress)).tolist()
    index = _Index()
    for place, shared in enumerate(buckets[: len(fewer)]):
        index.add(place, shared)
    best: dict[int, tuple[float, int]] = {}
    for place, shared in enumerate(buckets[len(fewer) :]):
        for other in index.like(shared):
            row, sample = (other, place) if fewer is ours else (place, other)
            if rows[row].group_id == known[sample].group_id or (ours[row], rows[row].group_id) in again:
                continue
            likeness = fuzz.ratio(ours[row], theirs[sample], score_cutoff=NEAR)
            if likeness >= NEAR:
                best[row] = max(best.get(row, (0.0, 0)), (likeness, -sample))
    return [
        Twin(row=row, saved=known[-sample], likeness=round(likeness, 1), settled=rows[row].group_id in groups)
        for row, (likeness, sample) in sorted(best.items())
    ]


def left_out(rows: Sequence[Row], pairs: Sequence[Pair], twins: Sequence[Twin] = ()) -> list[Row]:
    """The rows without the later one of each pair, and without those that are like a saved sample."""
    gone = {pair.second for pair in pairs} | {twin.row for twin in twins}
    return [row for place, row in enumerate(rows) if place not in gone]


def grouped(rows: Sequence[Row], pairs: Sequence[Pair], twins: Sequence[Twin] = ()) -> list[Row]:
    """All rows, each near-duplicate in the group of the one it is like, so that both land in the same split.

    With a row that is like a saved sample goes its whole group. A row whose file names another split than its twin's
    keeps its group, and so does one whose group has its split already.
    """
    taken = {
        rows[twin.row].group_id: twin.saved.group_id
        for twin in reversed(twins)
        if not twin.settled and rows[twin.row].split in (None, twin.saved.split)
    }
    changed = [replace(row, group_id=taken[row.group_id]) if row.group_id in taken else row for row in rows]
    for pair in pairs:
        first, second = changed[pair.first], changed[pair.second]
        if second.split == first.split and second.group_id not in taken.values():
            changed[pair.second] = replace(second, group_id=first.group_id)
    return changed


def _normal(texts: Sequence[str]) -> list[str]:
    return [importing.normalise(text).casefold() for text in texts]


class _Index:
    """Texts by the buckets that they share with another; one that shares none is not in it."""

    def __init__(self) -> None:
        self._places: dict[int, list[int]] = defaultdict(list)

    def add(self, place: int, shared: Sequence[int]) -> None:
        for bucket in shared:
            if bucket >= 0:
                self._places[bucket].append(place)

    def like(self, shared: Sequence[int]) -> list[int]:
        """The texts that share the most buckets with this one."""
        places = [self._places[bucket] for bucket in shared if bucket in self._places]
        return [place for place, _ in Counter(chain.from_iterable(places)).most_common(MOST_COMPARED)]
