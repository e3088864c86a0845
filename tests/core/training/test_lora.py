"""Training on approved answers: what is learned, what is refused, and what survives a stop or a kill."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, safe_open, save_file

from core.errors import Refusal
from core.generation import local, weights
from core.generation.base import Decoding, Request
from core.jobs import folder as job_folder
from core.training import adapters, attention, lora, losses, recipes, sequences, work
from core.training.recipes import Recipe
from tests import tiny

ROOT = Path(__file__).resolve().parents[3]
EAGER = {"epochs": 20, "learning_rate": 5e-3, "batch_size": 4, "dropout": 0.0}


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny.model(tmp_path_factory.mktemp("model"))


def rows() -> list[sequences.Row]:
    instruction = {"role": "system", "content": "Please sort this message."}
    return [
        {
            "messages": [instruction, {"role": "user", "content": sentence}],
            "completion": f'{{"intent": "{number}"}}',
        }
        for number, sentence in enumerate(tiny.SENTENCES)
    ]


def general() -> list[sequences.Row]:
    return [
        {"messages": [{"role": "user", "content": f"What is {n} times {n}?"}], "completion": f"It is {n * n}."}
        for n in range(6)
    ]


def job(folder: Path, base: Path, **recipe: Any) -> dict[str, Any]:
    job_folder.write_lines(folder / "train.jsonl", rows())
    spec = {"kind": "train", "base": str(base), "recipe": {**EAGER, **recipe}}
    job_folder.write_json(folder / "spec.json", spec)
    return spec


def answers(base: Path, adapter: Path | None) -> list[str]:
    asked = [Request(key=str(at), messages=tuple(row["messages"])) for at, row in enumerate(rows())]
    generator = local.load(base, adapter)
    batches = generator.generate(asked, Decoding(max_new_tokens=24))
    found = {answer.key: answer.text for batch in batches for answer in batch}
    return [found[request.key] for request in asked]


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("job")
    return folder, work.work(folder, job(folder, base))


def test_the_adapter_says_what_it_was_taught_and_where_to_end(trained, base):
    folder, _ = trained
    assert answers(base, folder / "adapter") == [row["completion"] for row in rows()]


def test_what_is_left_is_the_adapter_and_nothing_that_can_run_code(trained):
    folder, made = trained
    assert set(made["files"]) == {"adapter_config.json", "adapter_model.safetensors"}
    assert {path.name for path in (folder / "adapter").iterdir()} == set(made["files"])
    assert not (folder / "checkpoints").exists()


def test_the_summary_and_each_step_say_what_happened(trained):
    folder, made = trained
    summary = made["summary"]
    assert (summary["rows"], summary["replay_rows"], summary["steps"]) == (
        7,
        0,
        35,
    )  # 7 rows x 20 epochs in batches of 4
    assert summary["final_loss"] < 0.1 < summary["first_loss"]
    steps = [event for event in job_folder.events(folder) if event["event"] == "step"]
    assert [event["step"] for event in steps] == list(range(1, 36))
    assert steps[-1]["eta_s"] == 0
    assert steps[0].keys() >= {"steps", "loss", "learning_rate", "grad_norm", "samples_per_second"}


def test_an_adapter_knows_its_base(trained, tmp_path):
    folder, _ = trained
    with pytest.raises(Refusal, match="another base"):
        local.load(tiny.model(tmp_path, seed=1), folder / "adapter")


def test_labels_are_the_answer_and_its_end_after_exactly_the_prompt_that_is_sent(base):
    tokenizer = weights.tokenizer(base)
    example = sequences.examples(tokenizer, rows()[:1], ends=[tokenizer.eos_token_id], max_length=1024)[0]
    prompt = weights.prompt(tokenizer, rows()[0]["messages"])
    given = [label == -100 for label in example["labels"]]
    assert example["input_ids"][: len(prompt)] == prompt
    assert given == [True] * len(prompt) + [False] * (len(given) - len(prompt))
    assert tokenizer.decode(example["labels"][len(prompt) :]) == rows()[0]["completion"] + "<|im_end|>"


@pytest.mark.parametrize("short", [attention.SHORT, 0])
def test_a_tree_gives_the_loss_and_the_gradient_of_separate_rows(base, monkeypatch, short):
    """By plain products of matrices, and by the fused attention that longer rows and GPUs get."""
    monkeypatch.setattr(attention, "SHORT", short)
    model = get_peft_model(
        weights.model(base, device="cpu", dtype=torch.float32),
        LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear", init_lora_weights=False),
    )
    tokenizer = weights.tokenizer(base)
    learned = sequences.examples(tokenizer, rows() + general(), ends=[tokenizer.eos_token_id], max_length=1024)
    apart = loss_and_gradient(model, sequences.Collator(pad=0, shares=False).lay_out(learned))
    assert attention.install(model)
    tree = sequences.Collator(pad=0, shares=True).lay_out(learned)
    loss, gradient = loss_and_gradient(model, tree)
    torch.testing.assert_close(loss, apart[0])
    torch.testing.assert_close(gradient, apart[1], rtol=1e-3, atol=1e-5)


def loss_and_gradient(model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    model.zero_grad()
    scores, wanted, _ = losses.scores(model, batch)
    loss = torch.nn.functional.cross_entropy(scores, wanted)
    loss.backward()
    return loss.detach(), torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


def test_no_token_of_a_tree_is_there_twice_or_for_nothing():
    apart = [{"input_ids": [n] * (n + 2), "labels": [-100] * (n + 1) + [n]} for n in range(4)]
    alike = [{"input_ids": [9] * 6 + one["input_ids"], "labels": [-100] * 6 + one["labels"]} for one in apart]
    lay_out = sequences.Collator(pad=0, shares=True).lay_out
    assert lay_out(apart)["input_ids"].shape == (1, 2 + 3 + 4 + 5)
    assert lay_out(alike)["input_ids"].shape == (1, 6 + 2 + 3 + 4 + 5)


def test_a_model_whose_layers_look_at_a_window_learns_from_rows_side_by_side(base):
    learned = [{"input_ids": [n] * (n + 2), "labels": [-100] * (n + 1) + [n]} for n in range(4)]
    model = weights.model(base, device="cpu", dtype=torch.float32)
    model.config.layer_types = ["sliding_attention", "full_attention"]
    assert not attention.install(model)
    assert sequences.Collator(pad=0, shares=False).lay_out(learned)["input_ids"].shape == (4, 5)


def test_replay_holds_the_model_where_it_was(base, tmp_path):
    def drift(share: float) -> float:
        """How far the model's view of general answers moved: KL from the base, summed over them."""
        folder = tmp_path / str(share)
        folder.mkdir()
        recipe = Recipe(**{**EAGER, "epochs": 6, "replay_share": share})
        made = lora.train(folder, base, recipe, rows(), general() if share else [])
        assert made["summary"]["replay_rows"] == (6 if share else 0)  # half of the whole would be 7, there are 6
        tokenizer = weights.tokenizer(base)
        learned = sequences.examples(tokenizer, general(), ends=[tokenizer.eos_token_id], max_length=1024)
        batch = sequences.Collator(pad=0, shares=False).lay_out(learned)
        generator = local.load(base, folder / "adapter", dtype=torch.float32)
        with torch.no_grad():
            tuned, _, _ = losses.scores(generator.model, batch)
            generator.use(None)
            before, _, _ = losses.scores(generator.model, batch)
        terms = torch.nn.functional.kl_div(
            tuned.log_softmax(-1), before.log_softmax(-1), reduction="sum", log_target=True
        )
        return float(terms)

    assert drift(0.5) < drift(0.0) / 2


def test_a_row_that_does_not_fit_is_refused_and_not_cut(base, tmp_path):
    long = {"messages": [{"role": "user", "content": "card " * 200}], "completion": "calm"}
    with pytest.raises(Refusal, match="1 training rows are longer than 128 tokens"):
        lora.train(tmp_path, base, Recipe(max_length=128), [*rows(), long])


def test_an_empty_answer_is_refused(base, tmp_path):
    with pytest.raises(Refusal, match="row 8 has an empty answer"):
        lora.train(tmp_path, base, Recipe(), [*rows(), {**rows()[0], "completion": " "}])


def test_a_disk_that_has_filled_up_since_the_check_is_named_before_anything_is_learned(base, tmp_path, monkeypatch):
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(Refusal, match=r"needs .* GB on the disk and 0.0 GB are free"):
        lora.train(tmp_path, base, Recipe(), rows())
    assert not (tmp_path / "checkpoints").exists()
    assert not (tmp_path / "adapter").exists()


def test_no_rows_are_refused(base, tmp_path):
    with pytest.raises(Refusal, match="no rows"):
        lora.train(tmp_path, base, Recipe(), [])


def test_a_template_that_never_ends_an_answer_is_refused(base, tmp_path):
    endless = shutil.copytree(base, tmp_path / "model")
    template = endless / "chat_template.jinja"
    template.write_text(template.read_text().replace("<|im_end|>", ""))
    with pytest.raises(Refusal, match="go on for ever"):
        lora.train(tmp_path, endless, Recipe(), rows())


def test_a_loss_that_is_no_number_ends_the_job(base, tmp_path):
    broken = shutil.copytree(base, tmp_path / "model")
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(Refusal, match="no longer a number"):
        lora.train(tmp_path, broken, Recipe(), rows())


def test_a_stop_keeps_what_is_learned_and_a_later_start_goes_on(base, tmp_path, trained):
    spec = job(tmp_path, base)
    job_folder.ask_to_stop(tmp_path)
    made = work.work(tmp_path, spec)
    assert made["stopped"]
    assert made["summary"]["steps"] == 1
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()

    (tmp_path / "stop").unlink()
    assert work.work(tmp_path, spec)["summary"]["steps"] == 35
    assert_same(tmp_path, trained[0])


def test_a_killed_worker_ends_with_the_adapter_of_one_that_was_not(base, tmp_path, trained):
    job(tmp_path, base)
    command = [sys.executable, "-m", "core.jobs.worker", str(tmp_path)]
    worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"})
    while not list(tmp_path.glob("checkpoints/checkpoint-*/trainer_state.json")) and worker.poll() is None:
        time.sleep(0.02)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert job_folder.result(tmp_path) is None

    assert subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode == 0
    result = job_folder.result(tmp_path)
    assert result["status"] == "done"
    assert result["summary"]["steps"] == 35
    assert [event["event"] for event in job_folder.events(tmp_path)].count("started") == 2
    assert_same(tmp_path, trained[0])


def assert_same(folder: Path, other: Path) -> None:
    """The two jobs' adapters hold the same numbers, up to the order in which a processor adds."""
    one, two = (load_file(each / "adapter" / "adapter_model.safetensors") for each in (folder, other))
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-3, atol=1e-4)


def test_of_several_gpus_each_holds_a_part_of_what_learns_and_a_model_placed_so_learns_the_same(
    base, tmp_path, trained, monkeypatch
):
    """Without two GPUs here, where parts go is asked of one that says so, and all parts lie on the processor."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert (weights.placement("cuda"), weights.placement("cpu")) == ("auto", None)
    monkeypatch.setattr(weights, "placement", lambda device: "auto")
    assert work.work(tmp_path, job(tmp_path, base))["summary"]["steps"] == 35
    assert_same(tmp_path, trained[0])


def test_adapters_are_kept_in_full_precision_where_weights_are_not(base, tmp_path):
    made = lora.train(tmp_path, base, Recipe(epochs=1), rows(), dtype=torch.bfloat16)
    assert made["summary"]["dtype"] == "bfloat16"
    with safe_open(tmp_path / "adapter" / "adapter_model.safetensors", framework="pt") as opened:
        assert {opened.get_tensor(name).dtype for name in opened.keys()} == {torch.float32}  # noqa: SIM118


@pytest.mark.parametrize(
    "settings", [{"rank": 0}, {"learning_rate": 1.0}, {"epochs": 21}, {"replay_share": 0.9}, {"method": "rl"}]
)
def test_settings_that_cannot_work_are_refused(settings):
    with pytest.raises(Refusal, match=next(iter(settings)).replace("_", ".") + "|method"):
        recipes.read(settings)


def test_a_setting_that_does_not_exist_is_refused():
    with pytest.raises(Refusal, match="warmth"):
        recipes.read({"warmth": 1})


def test_a_checkpoint_whose_writing_was_cut_off_is_passed_over(tmp_path):
    for step, state in ((5, "{}"), (10, '{"global_')):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert adapters.last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-5")
