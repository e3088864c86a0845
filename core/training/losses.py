"""What training makes smaller: the loss of answers to be learned, of pairs, and of what is to be kept. Workers only."""

from typing import Any

import torch
from torch.nn import functional
from trl import SFTTrainer

KEEP = 2.0
"""How much a token of difference from the base weighs, in replay rows, against a token to be learned."""


class Trainer(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer for tree-shaped batches, with the vocabulary scored only where there is something to learn.

    TRL scores every position on a CPU, though most of them are prompt (benchmarks/training.py).
    """

    beta = 0.1
    """How strongly pairs hold the model to its reference."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """The mean over labelled tokens of the negative log-likelihood, and in replay rows of `KEEP` times the
        divergence from what the base would say, KL(base || model); or the loss of pairs."""
        if "pairs" in inputs:
            return self._preference(model, inputs["pairs"])
        total, count = torch.zeros(()), 0
        if "task" in inputs:
            given, wanted, _ = scores(model, inputs["task"])
            total = total + functional.cross_entropy(given, wanted, reduction="sum")
            count += len(wanted)
        if "replay" in inputs:
            given, wanted, _ = scores(model, inputs["replay"])
            with torch.no_grad(), self.accelerator.unwrap_model(model).disable_adapter():
                base, _, _ = scores(model, inputs["replay"])
            total = total + KEEP * functional.kl_div(
                given.log_softmax(-1), base.log_softmax(-1), reduction="sum", log_target=True
            )
            count += len(wanted)
        return total / count

    def _preference(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        """DPO (Rafailov et al., 2023, equation 7) with the base as reference, plus the negative log-likelihood of the
        better answers, which else may become less likely together with the worse ones (TRL's "sigmoid" and "sft")."""
        likely, tokens = answer_likelihoods(model, batch)
        with torch.no_grad(), self.accelerator.unwrap_model(model).disable_adapter():
            reference, _ = answer_likelihoods(model, batch)
        better, worse = (likely - reference).chunk(2)
        half = len(better)
        mode = "train" if model.training else "eval"
        self._metrics[mode]["preferred"].append((better > worse).float().mean().item())
        preference = -functional.logsigmoid(self.beta * (better - worse)).mean()
        return preference - likely[:half].sum() / tokens[:half].sum()


def answer_likelihoods(model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """The log-likelihood of each row's answer, and its number of tokens; both of shape (rows,)."""
    given, wanted, owners = scores(model, batch)
    each = -functional.cross_entropy(given, wanted, reduction="none")
    rows = int(owners.max()) + 1
    tokens = torch.bincount(owners, minlength=rows)
    return torch.zeros(rows, device=each.device).index_add(0, owners, each), tokens


def scores(model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits (labelled tokens, vocabulary) in float32, the tokens that they should predict, and whose they are."""
    labels = batch["labels"][:, 1:]
    predicting = (labels != -100).any(dim=0).nonzero().squeeze(1)
    given = {key: value for key, value in batch.items() if key not in ("labels", "owners")}
    logits = model(**given, logits_to_keep=predicting, use_cache=False).logits
    wanted, owners = labels[:, predicting], batch["owners"][:, 1:][:, predicting]
    known = wanted != -100
    return logits[known].float(), wanted[known], owners[known]
