"""Pairs, 4-bit weights, held-out rows and sample answers; and jobs that end with a named reason."""

import math
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import load_file

from core import content
from core.generation import local
from core.generation.base import Decoding, Request
from core.jobs import folder as job_folder
from core.training import adapters, lora, losses, reports, schedules, sequences, work
from core.training.recipes import Recipe
from tests import tiny

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny.model(tmp_path_factory.mktemp("model"))


def rows(count: int = 7) -> list[sequences.Row]:
    return [
        {
            "messages": [{"role": "user", "content": f"{tiny.SENTENCES[number % 7]} {number}"}],
            "completion": f"card {number % 7}",
            "rejected": "I do not know.",
        }
        for number in range(count)
    ]


def told(folder: Path, event: str) -> list[dict]:
    return [one for one in job_folder.events(folder) if one["event"] == event]


def likelihoods(base: Path, adapter: Path | None) -> torch.Tensor:
    """The log-likelihood of each better answer less that of the worse one."""
    generator = local.load(base, adapter, dtype=torch.float32)
    made = sequences.examples(generator.tokenizer, rows(), ends=generator.ends, max_length=1024)
    batch = sequences.Collator(pad=0, shares=False).lay_out([*made, *(one["rejected"] for one in made)])
    with torch.no_grad():
        better, worse = losses.answer_likelihoods(generator.model, batch)[0].chunk(2)
    return better - worse


def own_loss(base: Path, adapter: Path | None) -> float:
    """The mean over the better answers' tokens of their negative log-likelihood."""
    generator = local.load(base, adapter, dtype=torch.float32)
    made = sequences.examples(generator.tokenizer, rows(), ends=generator.ends, max_length=1024)
    batch = sequences.Collator(pad=0, shares=False).lay_out(made)
    with torch.no_grad():
        likely, tokens = losses.answer_likelihoods(generator.model, batch)
    return -float(likely.sum() / tokens.sum())


def test_pairs_teach_which_answer_is_better(base, tmp_path):
    recipe = Recipe(method="dpo", epochs=4, learning_rate=5e-3, batch_size=4, replay_share=0.0)
    made = lora.train(tmp_path, base, recipe, rows())
    assert (likelihoods(base, tmp_path / "adapter") > likelihoods(base, None)).all()
    steps = told(tmp_path, "step")
    assert 0 <= steps[0]["preferred"] <= 1
    assert made["summary"]["steps"] == 7  # 7 pairs x 4 epochs in batches of 4


def test_before_the_first_step_the_loss_of_pairs_is_log_2_and_the_better_answers_own(base, tmp_path):
    """The adapter changes nothing yet, so model and reference agree: -log sigmoid(0) = log 2."""
    made = lora.train(tmp_path, base, Recipe(method="dpo", epochs=1, batch_size=7, replay_share=0.0), rows(),
                      dtype=torch.float32)  # fmt: skip
    assert made["summary"]["first_loss"] == pytest.approx(math.log(2) + own_loss(base, None), rel=1e-3)


def test_an_adapter_learned_on_4_bit_weights_answers_on_the_whole_base(base, tmp_path):
    recipe = Recipe(quantized=True, epochs=20, learning_rate=5e-3, batch_size=4)
    made = lora.train(tmp_path, base, recipe, rows())
    assert made["summary"]["final_loss"] < made["summary"]["first_loss"] / 5
    answers = local.load(base, tmp_path / "adapter").generate(
        [Request(key=str(n), messages=tuple(row["messages"])) for n, row in enumerate(rows())],
        Decoding(max_new_tokens=12),
    )
    texts = {one.key: one.text for batch in answers for one in batch}
    assert sum(texts[str(n)] == row["completion"] for n, row in enumerate(rows())) >= 5


def test_dpo_goes_on_from_the_adapter_that_sft_made(base, tmp_path):
    first, second = tmp_path / "sft", tmp_path / "dpo"
    for folder in (first, second):
        folder.mkdir()
    lora.train(first, base, Recipe(epochs=4, learning_rate=5e-3), rows())
    recipe = Recipe(method="dpo", epochs=1, learning_rate=1e-7, replay_share=0.0, batch_size=7)
    made = lora.train(second, base, recipe, rows(), start=first / "adapter", dtype=torch.float32)
    one, two = (load_file(folder / "adapter" / "adapter_model.safetensors") for folder in (first, second))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-5
    # The reference is the base and not the adapter that it begins with, which would make it log 2 again.
    margins = likelihoods(base, first / "adapter") - likelihoods(base, None)
    preference = -torch.nn.functional.logsigmoid(recipe.beta * margins).mean()
    assert made["summary"]["first_loss"] == pytest.approx(
        float(preference) + own_loss(base, first / "adapter"), rel=1e-3
    )


def test_held_out_rows_end_what_no_longer_helps_and_the_best_epoch_is_kept(base, tmp_path):
    """Random answers cannot be foreseen: the more is learned by heart, the worse the held-out rows get."""
    odd = [{**row, "completion": str(Random(n).randrange(10**9))} for n, row in enumerate(rows(60))]
    recipe = Recipe(epochs=20, learning_rate=5e-3, batch_size=32, patience=1, replay_share=0.0)
    summary = lora.train(tmp_path, base, recipe, odd)["summary"]
    assert (summary["rows"], summary["held_out_rows"]) == (54, 6)
    assert summary["ended_early"]
    found = dict(summary["held_out_losses"])
    assert summary["kept_step"] == min(found, key=found.__getitem__) < max(found) == summary["steps"]
    assert [round(one["eval_loss"], 6) for one in told(tmp_path, "held_out")] == [round(v, 6) for v in found.values()]
    assert not (tmp_path / "best").exists()
    samples = told(tmp_path, "samples")
    assert len(samples) == len(found)
    assert all(len(one["answers"]) == 3 for one in samples)


def test_a_stop_keeps_the_best_epoch_and_not_the_last_and_a_later_start_goes_on(base, tmp_path, monkeypatch):
    """Random answers cannot be foreseen: the stop comes after an epoch that made the held-out rows worse."""
    odd = [{**row, "completion": str(Random(n).randrange(10**9))} for n, row in enumerate(rows(60))]
    recipe = Recipe(epochs=20, learning_rate=5e-3, batch_size=32, patience=10, replay_share=0.0)
    looked = reports.Progress.on_evaluate

    def looked_and_stopped(progress, *given, **more):
        looked(progress, *given, **more)
        if list(progress.seen.values())[-1] > min(progress.seen.values()) * 1.05:
            job_folder.ask_to_stop(tmp_path)

    monkeypatch.setattr(reports.Progress, "on_evaluate", looked_and_stopped)
    made = lora.train(tmp_path, base, recipe, odd)
    found = dict(made["summary"]["held_out_losses"])
    best = min(found, key=found.__getitem__)
    assert made["stopped"]
    assert made["summary"]["kept_step"] == best < max(found) < made["summary"]["steps"] < 40  # 2 steps x 20 epochs
    kept, last = tmp_path / "adapter", adapters.last_checkpoint(tmp_path / "checkpoints")
    assert content.file_digest(kept / "adapter_model.safetensors") == made["files"]["adapter_model.safetensors"]
    assert held_out_loss(base, kept, odd, recipe) == pytest.approx(found[best], rel=0.02)
    assert held_out_loss(base, Path(last), odd, recipe) > found[best] * 1.02

    (tmp_path / "stop").unlink()
    again = lora.train(tmp_path, base, replace(recipe, patience=3), odd)["summary"]
    assert (again["ended_early"], again["kept_step"]) == (True, best)
    assert again["steps"] > made["summary"]["steps"]


def held_out_loss(base: Path, adapter: Path, of: list[dict], recipe: Recipe) -> float:
    """The mean negative log-likelihood of the rows that the recipe holds out, under the adapter."""
    generator = local.load(base, adapter)
    held = sequences.examples(
        generator.tokenizer, schedules.hold_out(of, recipe)[1], ends=generator.ends, max_length=1024
    )
    with torch.no_grad():
        likely, tokens = losses.answer_likelihoods(
            generator.model, sequences.Collator(pad=0, shares=False).lay_out(held)
        )
    return -float(likely.sum() / tokens.sum())


def test_groups_are_held_out_whole():
    grouped = [{**row, "group": str(number // 4)} for number, row in enumerate(rows(60))]
    taught, held = schedules.hold_out(grouped, Recipe())
    assert (len(taught), len(held)) == (56, 4)  # 6 are wanted, a second group would be 8
    assert len({row["group"] for row in held}) == 1
    assert schedules.hold_out(grouped[:49], Recipe())[1] == []


def test_a_probe_says_how_long_how_much_and_what_is_wrong(base, tmp_path):
    job_folder.write_lines(tmp_path / "train.jsonl", [*rows(), {**rows()[0], "completion": "another"}])
    spec = {"kind": "probe", "base": str(base), "recipe": {"epochs": 2, "batch_size": 4}}
    found = work.work(tmp_path, spec)["probe"]
    assert (found["rows"], found["steps"]) == (8, 4)
    assert found["memory"] > 0 < found["disk"]
    states = {one["point"]: one["state"] for one in found["findings"]}
    assert states == {"answers": "good", "end": "good", "template": "good", "length": "good", "duplicates": "doubt",
                      "memory": "good", "disk": "good"}  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {"train.jsonl", "events.jsonl"}


@pytest.mark.parametrize(("row", "point"), [({"completion": " "}, "answers"), ({"completion": "card " * 90}, "length")])
def test_a_probe_names_rows_that_would_be_refused(base, tmp_path, row, point):
    job_folder.write_lines(tmp_path / "train.jsonl", [*rows(), {**rows()[0], **row}])
    found = work.work(tmp_path, {"kind": "probe", "base": str(base), "recipe": {"max_length": 64}})["probe"]
    (bad,) = [one for one in found["findings"] if one["state"] == "bad"]
    assert bad["point"] == point
    assert "1 rows" in bad["message"] % bad["values"]


LIMITED = """
import resource, sys
from pathlib import Path
from random import Random
from core.jobs import worker
from core.training import lora, work
import bitsandbytes, peft.tuners.lora
limit = {limit}
worker.main(Path(sys.argv[1]))
"""


def limited(folder: Path, base: Path, limit: str, **recipe: object) -> dict:
    """The result of a worker whose process may take no more than so much."""
    job_folder.write_lines(folder / "train.jsonl", [{**row, "completion": "card " * 400} for row in rows(60)])
    spec = {"kind": "train", "base": str(base), "recipe": {"epochs": 1, "replay_share": 0.0, **recipe}}
    job_folder.write_json(folder / "spec.json", spec)
    subprocess.run([sys.executable, "-c", LIMITED.format(limit=limit), str(folder)], cwd=ROOT, capture_output=True)
    found = job_folder.result(folder)
    assert found is not None
    return found


def test_a_full_disk_ends_the_job_by_name_and_leaves_no_adapter(base, tmp_path):
    made = limited(tmp_path, base, "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))", batch_size=32)
    assert (made["status"], made["message"]) == ("failed", "The disk is full. Free some space, then press Resume.")
    assert "adapter" not in made
    assert not (tmp_path / "adapter").exists()


def test_too_little_memory_ends_the_job_by_name_and_leaves_no_adapter(base, tmp_path):
    enough = "int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize() + 300_000_000"
    made = limited(tmp_path, base, f"resource.setrlimit(resource.RLIMIT_AS, ({enough},) * 2)", batch_size=64)
    assert made["message"].startswith("The machine ran out of memory.")
    assert "adapter" not in made
    assert not (tmp_path / "adapter").exists()
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
