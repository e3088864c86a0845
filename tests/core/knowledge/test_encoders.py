"""A sentence-transformers folder on this machine as a knowledge base's model for embeddings."""

import json
import os
import signal

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from core.errors import Refusal
from core.jobs import jobs
from core.knowledge import embedders, encoders, indexes, ways
from tests import inline, tiny

TEXTS = ["My card was stolen on the train.", "分期手续费是多少？", "JSON"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Random weights in the form that sentence-transformers writes, with prompts for questions and passages."""
    path = tmp_path_factory.mktemp("models") / "tiny-encoder"
    tokenizer = tiny.tokenizer()
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
                        num_attention_heads=2, max_position_embeddings=128)  # fmt: skip
    BertModel(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    (path / "1_Pooling").mkdir()
    written = {
        "modules.json": [{"type": f"sentence_transformers.models.{name}", "path": path} for name, path in
                         (("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))],
        "1_Pooling/config.json": {"word_embedding_dimension": 32, "pooling_mode_cls_token": False,
                                  "pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": 64, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {"query": "query: ", "document": ""}},
    }  # fmt: skip
    for name, value in written.items():
        (path / name).write_text(json.dumps(value))
    yield path
    for one in list(encoders._running):
        encoders._end(one)


def expected(folder, text):
    """The mean of the last layer over one text's own tokens, by hand."""
    batch = tiny.tokenizer()(text, return_tensors="pt", truncation=True, max_length=64)
    with torch.inference_mode():
        states = BertModel.from_pretrained(folder).eval()(**batch).last_hidden_state[0]
    return torch.nn.functional.normalize(states.mean(dim=0), dim=0).numpy()


def test_vectors_are_the_models_whatever_stands_beside_a_text(folder):
    embedder = embedders.folder(str(folder))
    together = encoders.encode(str(folder), [*TEXTS, "long " * 300], question=False)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    for text, vector in zip(TEXTS, together, strict=False):
        assert vector == pytest.approx(expected(folder, text), abs=1e-4)
    (asked,) = embedders.questions(embedder, [TEXTS[0]])
    assert asked == pytest.approx(expected(folder, "query: " + TEXTS[0]), abs=1e-4)


def test_a_folder_is_an_index_another_model_in_it_is_noticed_and_its_process_may_die(
    folder, conn, settings, mina, task
):
    indexes.add(conn, by=mina, task_id=task, files=[(f"{n}.txt", text.encode()) for n, text in enumerate(TEXTS)])
    ways.choose(conn, by=mina, task_id=task, method="dense", embedder=embedders.folder(str(folder)))
    inline.drain(settings, conn)
    index = indexes.newest(conn, task)
    assert index.embedder.model == "tiny-encoder"
    assert len(indexes.search(conn, settings, index, "card", 3)) == 3
    pooling = folder / "1_Pooling/config.json"
    before = pooling.read_text()
    pooling.write_text(json.dumps({"pooling_mode_max_tokens": True}))
    try:
        with pytest.raises(Refusal, match="not the one that the index was made with"):
            indexes.search(conn, settings, index, "something new", 3)
        os.kill(encoders._running[str(folder)].pid, signal.SIGKILL)
        ways.choose(conn, by=mina, task_id=task, method="dense", embedder=embedders.folder(str(folder)))
        inline.drain(settings, conn)
        failed = jobs.find(conn, ways.waiting(conn, task))
        assert "cannot be used for embeddings" in failed.message
        assert "max_tokens" in failed.message_values["problem"]
    finally:
        pooling.write_text(before)
    assert len(indexes.search(conn, settings, index, "something else", 3)) == 3
    assert indexes.newest(conn, task) == index


def test_a_folder_without_a_model_is_told_at_once(tmp_path):
    with pytest.raises(Refusal, match=r"no config\.json"):
        embedders.folder(str(tmp_path))
    with pytest.raises(Refusal, match="which folder"):
        embedders.folder(" ")
