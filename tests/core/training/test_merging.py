import json

import pytest

from core.generation import local
from core.generation.base import Decoding, Request
from core.training import lora, merging
from core.training.recipes import Recipe
from tests import tiny


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    base = tiny.model(tmp_path_factory.mktemp("model"))
    folder = tmp_path_factory.mktemp("job")
    rows = [{"messages": [{"role": "user", "content": text}], "completion": str(n)} for n, text in
            enumerate(tiny.SENTENCES)]  # fmt: skip
    lora.train(folder, base, Recipe(epochs=20, learning_rate=5e-3, batch_size=7), rows)
    return base, folder / "adapter", rows


def merge(tmp_path, trained):
    base, adapter, rows = trained
    spec = {"base": str(base), "adapter": str(adapter), "into": str(tmp_path / "merged" / "m")}
    return merging.work(tmp_path, {**spec, "prompts": [row["messages"] for row in rows]})


def test_a_merged_model_answers_alone_as_base_and_adapter_do(trained, tmp_path):
    made = merge(tmp_path, trained)
    assert (made["checked"], made["same"]) == (7, 7)
    rows = trained[2]
    asked = [Request(key=str(n), messages=tuple(row["messages"])) for n, row in enumerate(rows)]
    batches = local.load(tmp_path / "merged" / "m").generate(asked, Decoding(max_new_tokens=8))
    texts = {one.key: one.text for batch in batches for one in batch}
    assert sum(texts[str(n)] == row["completion"] for n, row in enumerate(rows)) >= 6


def test_the_folder_is_safetensors_with_a_modelfile_that_says_where_answers_end(trained, tmp_path):
    files = set(merge(tmp_path, trained)["files"])
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja", "Modelfile"} <= files
    assert not [name for name in files if name.endswith((".bin", ".pt", ".pkl"))]
    folder = tmp_path / "merged" / "m"
    assert 'PARAMETER stop "<|im_end|>"' in (folder / "Modelfile").read_text()
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
