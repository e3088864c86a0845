"""How a model is taught: the settings of one training job, with the ranges in which they are safe."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.errors import Refusal

Method = Literal["sft"]
"""`sft`: learn to write the approved answer to each prompt (supervised fine-tuning)."""

RANGES: dict[str, tuple[float, float]] = {
    "rank": (1, 256),
    "alpha": (1, 512),
    "dropout": (0, 0.5),
    "learning_rate": (1e-6, 5e-3),
    "epochs": (1, 20),
    "batch_size": (1, 64),
    "max_length": (64, 8192),
    "seed": (0, 2**31 - 1),
    "replay_share": (0, 0.5),
}
"""Smallest and largest value of each number; beyond them training is known to fail or to wait for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """LoRA on all linear layers, with the cosine schedule and 5% warm-up. Equal recipes and rows learn the same."""

    method: Method = "sft"
    rank: int = 16
    alpha: int = 32
    """The adapter's output is scaled by alpha / rank."""
    dropout: float = 0.0
    learning_rate: float = 1e-3
    epochs: int = 2
    batch_size: int = 8
    max_length: int = 1024
    """Tokens of prompt and answer together; a longer row is refused, never cut."""
    seed: int = 0
    replay_share: float = 0.30
    """Which part of what is trained on are general rows with the base's own answers, against forgetting; as far as
    the job has such rows."""

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise Refusal("There is no training method %(method)s. Choose one of: %(methods)s.", method=self.method,
                          methods=", ".join(get_args(Method)))  # fmt: skip
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or not least <= value <= most:
                raise Refusal(
                    "The training setting %(name)s is %(value)s; it has to be between %(least)s and %(most)s.",
                    name=name,
                    value=value,
                    least=least,
                    most=most,
                )


def read(fields: dict[str, Any]) -> Recipe:
    """The recipe of a job's spec; Refusal for settings that do not exist."""
    unknown = sorted(set(fields) - set(Recipe.__slots__))
    if unknown:
        raise Refusal("There is no training setting %(names)s.", names=", ".join(unknown))
    return Recipe(**fields)


LOOKS = 300
"""How often rows are looked at in a first trial, all together."""


def default(rows: int) -> Recipe:
    """What to start with for so many approved rows: fewer rows are gone through more often."""
    return Recipe(epochs=min(6, max(2, round(LOOKS / max(rows, 1)))))
