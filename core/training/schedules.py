"""Which rows are learned in which order, and which are held out to watch. Workers only."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice

from core.training.recipes import FEW, Recipe
from core.training.sequences import Row


def hold_out(rows: Sequence[Row], recipe: Recipe) -> tuple[list[Row], list[Row]]:
    """The rows to learn from, and those held out to watch: whole groups, none where there are fewer than `FEW`."""
    groups = [str(row.get("group") or number) for number, row in enumerate(rows)]
    sizes = sorted(Counter(groups).items())
    random.Random(recipe.seed).shuffle(sizes)
    room = round(len(rows) * recipe.holdout) if len(rows) >= FEW else 0
    held: set[str] = set()
    for group, size in sizes:
        if size <= room:
            held.add(group)
            room -= size
    taught = [row for row, group in zip(rows, groups, strict=True) if group not in held]
    return taught, [row for row, group in zip(rows, groups, strict=True) if group in held]


def order(rows: int, replay: int, recipe: Recipe) -> list[int]:
    """In which order is learned: each epoch all rows, mixed with the next replay rows in turn, numbered from `rows` on.

    Every epoch takes other replay rows as long as there are: what is kept is as broad as they are.
    """
    chance = random.Random(recipe.seed)
    share = round(rows * recipe.replay_share / (1 - recipe.replay_share)) if replay else 0
    turn = cycle(chance.sample(range(rows, rows + replay), replay))
    made: list[int] = []
    for _ in range(recipe.epochs):
        epoch = [*range(rows), *islice(turn, share)]
        chance.shuffle(epoch)
        made += epoch
    return made
