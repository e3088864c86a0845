"""How a model is taught: the settings of one training job, with the ranges in which they are safe."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.errors import Refusal

Method = Literal["sft", "dpo"]
"""`sft`: learn to write the approved answer to each prompt (supervised fine-tuning). `dpo`: learn to prefer the
corrected answer to the original one (direct preference optimization), with the base as the reference."""

RANGES: dict[str, tuple[float, float]] = {
    "rank": (1, 256),
    "alpha": (1, 512),
    "dropout": (0, 0.5),
    "learning_rate": (1e-7, 5e-3),
    "epochs": (1, 20),
    "batch_size": (1, 64),
    "max_length": (64, 8192),
    "seed": (0, 2**31 - 1),
    "replay_share": (0, 0.5),
    "holdout": (0, 0.5),
    "patience": (1, 10),
    "beta": (0.01, 1),
}
"""Smallest and largest value of each number; beyond them training is known to fail or to wait for ever."""

FEW = 50
"""Below this many rows a trial rarely shows anything, and none of them can be spared to watch the others."""

PAIRS = 100
"""Below this many pairs DPO is not worth starting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """LoRA on all linear layers, with the cosine schedule and 5% warm-up. Equal recipes and rows learn the same."""

    method: Method = "sft"
    quantized: bool = False
    """QLoRA: the base's weights are held in 4 bits (NF4) while the adapter learns. Less memory, slower on a CPU."""
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
    the job has such rows. Not for DPO, whose reference does the same."""
    holdout: float = 0.1
    """Which part of the rows is not learned from and shows each epoch whether learning still helps; whole groups, and
    none of fewer than `FEW` rows."""
    patience: int = 2
    """After so many epochs in which the held-out rows got no better, training ends. The best epoch is kept."""
    beta: float = 0.1
    """DPO only: how strongly the model is held to its reference."""

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


def default(rows: int, method: Method = "sft") -> Recipe:
    """What to start with for so many approved rows: fewer rows are gone through more often.

    Two epochs leave nothing to end early, so every row is learned from then.
    """
    if method == "dpo":
        return Recipe(method="dpo", epochs=1, learning_rate=1e-5, replay_share=0.0, holdout=0.0)
    epochs = min(6, max(2, round(LOOKS / max(rows, 1))))
    return Recipe(epochs=epochs, holdout=0.1 if epochs > 2 else 0.0)
