"""A local model answers as it would alone, only sooner."""

import json
import shutil
import time
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from core.errors import Refusal
from core.generation import local, weights
from core.generation.base import Answer, Decoding, Request
from tests import tiny

GREEDY = Decoding(max_new_tokens=16)
INSTRUCTIONS = ("Please sort this message.", "Answer in Chinese. " * 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny.model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def generator(folder) -> local.LocalGenerator:
    return local.load(folder, dtype=torch.float32)


def requests() -> list[Request]:
    """Two instructions, taking turns, and messages of different lengths."""
    return [
        Request(
            key=str(number),
            messages=(
                {"role": "system", "content": INSTRUCTIONS[number % 2]},
                {"role": "user", "content": tiny.SENTENCES[number % len(tiny.SENTENCES)] + " x" * number},
            ),
        )
        for number in range(10)
    ]


def collect(generator: local.LocalGenerator, asked: list[Request], decoding: Decoding = GREEDY) -> dict[str, Answer]:
    return {answer.key: answer for batch in generator.generate(asked, decoding) for answer in batch}


def alone(folder: Path, asked: list[Request]) -> dict[str, str]:
    """What transformers says to each request by itself."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    texts = {}
    for request in asked:
        prompt = tokenizer.apply_chat_template(
            list(request.messages), add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        tokens = model.generate(**prompt, max_new_tokens=GREEDY.max_new_tokens, do_sample=False)[0]
        texts[request.key] = tokenizer.decode(tokens[prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    return texts


def test_sharing_a_prefix_changes_no_token(generator, folder):
    assert {key: answer.text for key, answer in collect(generator, requests()).items()} == alone(folder, requests())


def test_an_answer_counts_its_tokens_and_its_share_of_the_time(generator):
    answers = collect(generator, requests())
    assert all(0 <= answer.completion_tokens <= 16 and answer.latency_s > 0 for answer in answers.values())
    assert all(answer.cut == (answer.completion_tokens == 16) for answer in answers.values())
    assert answers["1"].prompt_tokens > answers["0"].prompt_tokens  # the second instruction is the longer one


def test_what_does_not_fit_in_memory_together_is_answered_in_smaller_batches(folder):
    generator = local.load(folder, dtype=torch.float32)
    sizes = []

    def crowded(_module, _args, named):
        sizes.append(len(named["input_ids"]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError

    generator.model.register_forward_pre_hook(crowded, with_kwargs=True)
    assert {key: answer.text for key, answer in collect(generator, requests()).items()} == alone(folder, requests())
    assert max(sizes) > 2


def test_a_prompt_that_never_fits_in_memory_fails_by_itself(folder):
    generator = local.load(folder, dtype=torch.float32)

    def full(_module, _args, named):
        if named["input_ids"].shape[1] > 1 and 7 in named["input_ids"]:
            raise torch.OutOfMemoryError

    generator.model.register_forward_pre_hook(full, with_kwargs=True)
    answers = collect(generator, requests()[:3])
    assert all((answer.text is None) == (answer.failure is not None) for answer in answers.values())
    assert len(answers) == 3


def test_a_prompt_longer_than_the_model_reads_is_a_failure_and_not_an_empty_answer(generator):
    long = Request(key="long", messages=({"role": "user", "content": "card " * 2000},))
    answers = collect(generator, [long, *requests()[:1]])
    assert answers["long"].text is None
    assert "1024" in str(answers["long"].failure)
    assert answers["0"].text is not None


def test_sampling_draws_the_same_whatever_else_is_asked(generator):
    warm = Decoding(max_new_tokens=12, temperature=1.0)
    together = collect(generator, requests(), warm)
    apart = collect(generator, requests()[4:6], warm)
    assert {key: together[key].text for key in apart} == {key: answer.text for key, answer in apart.items()}


def test_repeats_and_seeds_draw_anew(generator):
    warm = Decoding(max_new_tokens=12, temperature=1.0)
    message = requests()[0].messages
    repeats = [Request(key=str(repeat), messages=message, repeat=repeat) for repeat in range(4)]
    drawn = {answer.text for answer in collect(generator, repeats, warm).values()}
    assert len(drawn) == 4
    other = Decoding(max_new_tokens=12, temperature=1.0, seed=1)
    assert collect(generator, repeats[:1], other)["0"].text not in drawn


def test_a_stop_ends_a_batch_within_seconds_and_keeps_nothing_half_done(generator):
    asked = [
        Request(key=str(number), messages=({"role": "user", "content": f"Where is my card {number}?"},))
        for number in range(96)
    ]
    patient = Decoding(max_new_tokens=800)
    since = time.monotonic()
    stopped = generator.generate(asked, patient, stopped=lambda: time.monotonic() - since > 0.5)
    kept = [answer for batch in stopped for answer in batch]
    assert len(kept) < len(asked)
    assert all(answer.completion_tokens < 800 for answer in kept)
    for answer in kept[:3]:
        assert collect(generator, [asked[int(answer.key)]], patient)[answer.key].text == answer.text


def test_after_a_stop_nothing_is_begun(generator):
    assert list(generator.generate(requests(), GREEDY, stopped=lambda: True)) == []


def _adapter(base: Path, target: Path) -> Path:
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear", init_lora_weights=False),
    )
    model.save_pretrained(target)
    return target


def test_the_base_answers_as_before_when_its_adapter_is_put_aside(folder, tmp_path):
    adapter = _adapter(folder, tmp_path)
    generator = local.load(folder, adapter, dtype=torch.float32)
    tuned = {key: answer.text for key, answer in collect(generator, requests()).items()}
    generator.use(None)
    base = {key: answer.text for key, answer in collect(generator, requests()).items()}
    assert tuned != base
    assert base == alone(folder, requests())
    generator.use(adapter)
    assert {key: answer.text for key, answer in collect(generator, requests()).items()} == tuned


def test_an_adapter_of_another_shape_is_refused(folder, tmp_path):
    adapter = _adapter(folder, tmp_path / "adapter")
    config = json.loads((folder / "config.json").read_text())
    other = shutil.copytree(folder, tmp_path / "other")
    LlamaForCausalLM(LlamaConfig(**{**config, "hidden_size": 32})).save_pretrained(other)
    with pytest.raises(Refusal, match="another base"):
        local.load(other, adapter)


def test_a_folder_without_an_adapter_is_refused(folder, tmp_path):
    with pytest.raises(Refusal, match="not an adapter folder"):
        local.load(folder, tmp_path)


def test_weights_that_can_run_code_are_refused(folder, tmp_path):
    pickled = shutil.copytree(folder, tmp_path / "model")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(Refusal, match="safetensors"):
        local.load(pickled)


@pytest.mark.parametrize("damage", ["cut", "code"])
def test_a_model_that_cannot_be_loaded_is_refused_with_the_reason(folder, tmp_path, damage):
    broken = shutil.copytree(folder, tmp_path / "model")
    if damage == "cut":
        (broken / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:5000])
    else:
        config = {"model_type": "mine", "auto_map": {"AutoConfig": "mine.C", "AutoModelForCausalLM": "mine.M"}}
        (broken / "config.json").write_text(json.dumps(config))
        (broken / "mine.py").write_text("raise SystemExit('code of the model ran')")
    with pytest.raises(Refusal, match="cannot be loaded"):
        local.load(broken)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Refusal, match="not a model folder"):
        local.load(tmp_path / "nowhere")


def test_a_model_without_tokenizer_or_chat_template_is_refused(folder, tmp_path):
    mute = shutil.copytree(folder, tmp_path / "mute")
    (mute / "chat_template.jinja").unlink()
    with pytest.raises(Refusal, match="chat template"):
        local.load(mute)
    (mute / "tokenizer.json").unlink()
    (mute / "tokenizer_config.json").unlink()
    with pytest.raises(Refusal, match="no tokenizer"):
        local.load(mute)


def test_precision_follows_the_hardware():
    able = torch.cpu.get_capabilities()
    fast = able.get("avx512_bf16") or able.get("amx_bf16")
    assert weights.precision("cpu") is (torch.bfloat16 if fast else torch.float32)
