"""A model in a local folder, answering in batches. Workers only (torch)."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import psutil
import torch
from jinja2 import TemplateError
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from core import content
from core.generation import batching, shared_prefix, weights
from core.generation.base import Answer, Decoding, Request
from core.generation.failures import Failure
from core.generation.telling import Teller, Told

BATCH = 96
"""Answers decoded together at most: beyond that little is gained, and answers reach the disk less often."""

STEP = 32
"""Prompt tokens that are read in the time of one decoding step of a small batch."""


def load(
    path: Path, adapter: Path | None = None, *, device: str | None = None, dtype: torch.dtype | None = None
) -> "LocalGenerator":
    """Load a model folder and, if given, an adapter on it; Refusal when either cannot be used.

    Without a word on it, the device is the GPU if there is one, and the precision the one it is fast at.
    """
    weights.check(path)
    tokenizer = weights.tokenizer(path)
    device = device or weights.device()
    model = weights.model(path, device=device, dtype=dtype or weights.precision(device))
    generator = LocalGenerator(path, model, tokenizer)
    generator.use(adapter)
    return generator


class LocalGenerator:
    """A loaded model, answering as the base or with one of its adapters (see `use`)."""

    def __init__(self, path: Path, model: Any, tokenizer: Any) -> None:
        self.path, self.model, self.tokenizer, self.adapted = path, model, tokenizer, False
        self.ends = weights.ends(model, tokenizer)
        self.pad: int = self.ends[0] if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        text = model.config.get_text_config()
        self.context: int = getattr(text, "max_position_embeddings", None) or 2**31
        self.shares = weights.sees_all(model) and shared_prefix.possible(model)
        heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
        width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        self.bytes_per_token: int = 2 * text.num_hidden_layers * heads * width * model.dtype.itemsize

    def use(self, adapter: Path | None) -> None:
        """Answer with this adapter from now on, or as the base; Refusal if it was not made for this base."""
        if adapter is None:
            if self.adapted:
                self.model.base_model.disable_adapter_layers()
            return
        name = content.digest(str(adapter.resolve()))[:16]
        if not self.adapted or name not in self.model.peft_config:
            self.model, self.adapted = weights.attach(self.model, self.path, adapter, name=name), True
        self.model.base_model.enable_adapter_layers()
        self.model.set_adapter(name)

    def generate(
        self,
        requests: Sequence[Request],
        decoding: Decoding,
        *,
        stopped: Callable[[], bool] = lambda: False,
        told: Told | None = None,
    ) -> Iterator[list[Answer]]:
        """Answer everything, prompts that begin alike together; see `core.generation.base.Generator`.

        The common beginning is read once, and its keys and values are repeated over the batch. An answer's
        `latency_s` is its share of the time that its batch took. `told` hears each piece of text when it is decoded.
        """
        teller = Teller(self.tokenizer, self.ends, told) if told else None
        asked, refused = self._read(requests, decoding)
        if refused:
            yield refused
        prompts = [tokens for _, tokens in asked]
        for group in batching.groups(prompts, cost=STEP * decoding.max_new_tokens if self.shares else math.inf):
            # Longest first: neighbours need little padding, and what may not fit in memory is met first.
            waiting = sorted(group.members, key=lambda member: -len(prompts[member]))
            common = group.prefix if self.shares else 0
            most = self._room(len(prompts[waiting[0]]) - common + decoding.max_new_tokens)
            size = math.ceil(len(waiting) / math.ceil(len(waiting) / most))  # no small batch at the end
            shared = shared_prefix.read_prefix(self.model, prompts[waiting[0]][:common])
            while waiting and not stopped():
                batch = [asked[member] for member in waiting[:size]]
                answers = self._answer(shared, common, batch, decoding, stopped, teller)
                if answers is None and len(batch) > 1:
                    size = len(batch) // 2
                    continue
                del waiting[:size]
                for answer in (answers or []) if teller else []:
                    teller.rest(answer.key, answer.text or "")
                lost = Answer(key=batch[0][0].key, failure=Failure(code="memory"), prompt_tokens=len(batch[0][1]))
                yield answers or [lost]

    def _read(
        self, requests: Sequence[Request], decoding: Decoding
    ) -> tuple[list[tuple[Request, list[int]]], list[Answer]]:
        """The prompts' tokens, and answers for those that cannot be asked."""
        asked, refused = [], []
        for request in requests:
            try:
                tokens = weights.prompt(self.tokenizer, request.messages)
            except TemplateError as error:
                failure = Failure(code="template", values={"detail": str(error)[:300]})
                refused.append(Answer(key=request.key, failure=failure))
                continue
            if len(tokens) + decoding.max_new_tokens > self.context:
                values = {"prompt": len(tokens), "answer": decoding.max_new_tokens, "context": self.context}
                failure = Failure(code="too_long", values=values)
                refused.append(Answer(key=request.key, failure=failure, prompt_tokens=len(tokens)))
            else:
                asked.append((request, tokens))
        return asked, refused

    def _room(self, length: int) -> int:
        """How many sequences of `length` tokens fit in half of the free memory, keys, values and logits together."""
        cuda = self.model.device.type == "cuda"
        free = torch.cuda.mem_get_info()[0] if cuda else psutil.virtual_memory().available
        logits = 16 * self.model.config.get_text_config().vocab_size
        return max(1, min(BATCH, free // 2 // (length * self.bytes_per_token + logits)))

    def _answer(
        self,
        shared: shared_prefix.Prefix,
        common: int,
        batch: list[tuple[Request, list[int]]],
        decoding: Decoding,
        stopped: Callable[[], bool],
        teller: Teller | None,
    ) -> list[Answer] | None:
        """The batch's answers without those that a stop cut short; None if memory ran out."""
        started = perf_counter()
        try:
            decoded = self._decode(shared, [tokens[common:] for _, tokens in batch], batch, decoding, stopped, teller)
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in str(error):
                raise
            return None
        share = (perf_counter() - started) / len(batch)
        answers = []
        for (request, prompt), tokens in zip(batch, decoded, strict=True):
            end = next((at for at, token in enumerate(tokens) if token in self.ends), len(tokens))
            if end < len(tokens) or end == decoding.max_new_tokens:
                answers.append(
                    Answer(
                        key=request.key,
                        text=self.tokenizer.decode(tokens[:end], skip_special_tokens=True),
                        cut=end == len(tokens),
                        prompt_tokens=len(prompt),
                        completion_tokens=end,
                        latency_s=share,
                    )
                )
        return answers

    def _decode(
        self,
        shared: shared_prefix.Prefix,
        rests: list[list[int]],
        batch: list[tuple[Request, list[int]]],
        decoding: Decoding,
        stopped: Callable[[], bool],
        teller: Teller | None,
    ) -> list[list[int]]:
        """New tokens of each row, perhaps with more after the one that ends the answer."""
        draw = _Draw(batch, decoding) if decoding.temperature > 0 else None
        tell = _Tell(draw, teller.batch([request.key for request, _ in batch])) if teller else None
        processor, ask = tell or draw, _Ask(stopped)
        if self.shares:
            return shared_prefix.decode(
                self.model,
                shared,
                rests,
                limit=decoding.max_new_tokens,
                ends=self.ends,
                pick=processor.noisy if processor else lambda scores, rows: scores,
                stopped=ask.asked_to_stop,
            )
        width = max(map(len, rests))
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=self._tensor([[self.pad] * (width - len(rest)) + rest for rest in rests]),
                attention_mask=self._tensor([[0] * (width - len(rest)) + [1] * len(rest) for rest in rests]),
                generation_config=GenerationConfig(
                    max_new_tokens=decoding.max_new_tokens,
                    do_sample=False,
                    eos_token_id=self.ends,
                    pad_token_id=self.pad,
                    disable_compile=True,  # each batch has its own shapes, and compiling one takes longer than it
                ),
                logits_processor=LogitsProcessorList([processor] if processor else []),
                stopping_criteria=StoppingCriteriaList([ask]),
            )
        return list(output[:, width:].tolist())

    def _tensor(self, rows: list[list[int]]) -> torch.Tensor:
        return torch.tensor(rows, device=self.model.device)


class _Draw(LogitsProcessor):  # type: ignore[misc]
    """Sampling at a temperature as an argmax over scores with Gumbel noise (Maddison et al., 2014, "A* sampling").

    Each answer has random numbers of its own, from seed, repeat and prompt, whatever else is in the batch.
    """

    def __init__(self, batch: list[tuple[Request, list[int]]], decoding: Decoding) -> None:
        self.temperature = decoding.temperature
        seeds = [content.digest([decoding.seed, request.repeat, prompt]) for request, prompt in batch]
        self.generators = [torch.Generator().manual_seed(int(seed[:15], 16)) for seed in seeds]

    def noisy(self, scores: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """The scores of these rows of the batch, with their noise of this step."""
        width = scores.shape[-1]
        noise = torch.stack([torch.empty(width).exponential_(generator=self.generators[row]) for row in rows])
        return scores / self.temperature - noise.log().to(scores.device)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return self.noisy(scores, range(len(scores)))


class _Tell(LogitsProcessor):  # type: ignore[misc]
    """Tells the token that each answer's scores choose, after `draw` has changed them, and changes nothing itself."""

    def __init__(self, draw: _Draw | None, step: Callable[[Sequence[int], Sequence[int]], None]) -> None:
        self.draw, self.step = draw, step

    def noisy(self, scores: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """As `_Draw.noisy`, heard by the teller."""
        scores = self.draw.noisy(scores, rows) if self.draw else scores
        self.step(rows, scores.argmax(-1).tolist())
        return scores

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return self.noisy(scores, range(len(scores)))


class _Ask(StoppingCriteria):  # type: ignore[misc]
    """Ends a batch when its job is asked to stop; asks once a second."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self.stopped, self.asked, self.answer = stopped, monotonic(), False

    def asked_to_stop(self) -> bool:
        """Whether the batch is to end now."""
        if not self.answer and monotonic() - self.asked >= 1:
            self.asked, self.answer = monotonic(), self.stopped()
        return self.answer

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        return torch.full((len(input_ids),), self.asked_to_stop(), device=input_ids.device)
