"""Parquet files and dataset folders, as pandas and the library `datasets` write them."""

import io
import json
import zipfile
from datetime import date

import datasets
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from core.errors import Refusal
from core.intake import arrow_files, columns, files, importing
from tests.uploads import refusal

datasets.disable_progress_bars()


def parquet_bytes(table):
    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


def packed(folder):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return out.getvalue()


def test_a_parquet_file_gives_the_text_of_every_value():
    frame = pd.DataFrame({
        "text": ["卡在哪里？", "Fee?"], "n": [1, 2], "share": [0.5, float("nan")], "day": [date(2026, 3, 1), None],
        "tags": [["a", "b"], None], "picture": [b"\x89PNG", None],
    })  # fmt: skip
    out = io.BytesIO()
    frame.to_parquet(out)
    table = files.read("a.parquet", out.getvalue())
    assert (table.encoding, table.unread, table.lines) == ("Parquet", ("picture",), [1, 2])
    assert table.rows == [
        {"text": "卡在哪里？", "n": "1", "share": "0.5", "day": "2026-03-01", "tags": '["a", "b"]'},
        {"text": "Fee?", "n": "2", "share": "", "day": "", "tags": ""},
    ]


def test_conversations_in_a_parquet_file_are_recognised():
    messages = [{"role": "user", "content": "Fee?"}, {"role": "assistant", "content": "15"}]
    table = files.read("a.parquet", parquet_bytes(pa.Table.from_pylist([{"messages": messages}])))
    assert table.shape == "messages"
    assert table.rows == [{"input": "Fee?", "reference": "15", "context": ""}]


def test_a_dataset_folder_is_read_from_the_server_or_packed_and_its_splits_are_known(tmp_path):
    parts = {"train": ["a", "b"], "validation": ["c"], "test": ["d"]}
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["寄卡", "fee"])}
    )
    made = {
        name: datasets.Dataset.from_dict({"text": texts, "label": range(len(texts))}, features=features)
        for name, texts in parts.items()
    }
    datasets.DatasetDict(made).save_to_disk(tmp_path / "set")
    table = arrow_files.read_folder(str(tmp_path / "set"))
    assert [(row["text"], row["label"], row["split"]) for row in table.rows] == [
        ("a", "寄卡", "train"), ("b", "fee", "train"), ("c", "寄卡", "dev"), ("d", "寄卡", "gate"),
    ]  # fmt: skip
    assert files.read("set.zip", packed(tmp_path / "set")) == table
    checked = importing.check(table, columns.guess(table.columns))
    assert [row.split for row in checked.rows] == ["train", "train", "dev", "gate"]


def test_one_dataset_in_several_shards_is_whole_and_in_order(tmp_path):
    texts = [f"text {number}" for number in range(2500)]
    datasets.Dataset.from_dict({"text": texts}).save_to_disk(tmp_path / "set", num_shards=3)
    table = arrow_files.read_folder(str(tmp_path / "set"))
    assert [row["text"] for row in table.rows] == texts
    assert table.columns == ("text",)


def test_a_folder_that_is_none_and_an_archive_without_a_dataset_are_refused(tmp_path):
    with pytest.raises(Refusal, match="There is no folder relative/path"):
        arrow_files.read_folder("relative/path")
    with pytest.raises(Refusal, match="This is no dataset folder"):
        arrow_files.read_folder(str(tmp_path))
    (tmp_path / "a.txt").write_text("a")
    assert "This is no dataset folder" in refusal("a.zip", packed(tmp_path))


def test_a_dataset_folder_cannot_name_files_outside_of_it(tmp_path):
    datasets.Dataset.from_dict({"text": ["secret"]}).save_to_disk(tmp_path / "other")
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(tmp_path / "set")
    state = json.loads((tmp_path / "set/state.json").read_text())
    state["_data_files"][0]["filename"] = "../other/data-00000-of-00001.arrow"
    (tmp_path / "set/state.json").write_text(json.dumps(state))
    assert "damaged" in refusal("set.zip", packed(tmp_path / "set"))


@pytest.mark.parametrize("cut", [4, 60, 200])
def test_damaged_files_are_refused(cut, tmp_path):
    content = parquet_bytes(pa.table({"text": ["a" * 100, "b"]}))
    assert "damaged" in refusal("a.parquet", content[:-cut])
    datasets.Dataset.from_dict({"text": ["a" * 1000]}).save_to_disk(tmp_path / "set")
    shard = tmp_path / "set/data-00000-of-00001.arrow"
    shard.write_bytes(shard.read_bytes()[: -cut - 100])
    assert "damaged" in refusal("set.zip", packed(tmp_path / "set"))


def test_a_small_parquet_file_with_a_long_text_in_every_row_stays_within_bounds():
    table = pa.table({"text": pa.array(["x" * 90_000]).take(pa.array([0] * 20_000))})
    content = parquet_bytes(table)
    assert len(content) < 1_000_000
    assert "more than 200,000,000 characters together" in refusal("a.parquet", content)


def test_an_archive_that_unpacks_to_too_much_is_refused_unread(monkeypatch, tmp_path):
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(tmp_path / "set")
    monkeypatch.setattr(arrow_files, "MOST_UNPACKED", 500)
    assert "unpacks to" in refusal("set.zip", packed(tmp_path / "set"))


def test_a_file_of_bytes_only_has_nothing_to_read():
    assert "no column with text" in refusal("a.parquet", parquet_bytes(pa.table({"picture": [b"\x89PNG"]})))


def test_an_archive_that_was_damaged_anywhere_is_read_or_refused_and_nothing_else(tmp_path):
    datasets.Dataset.from_dict({"text": [f"Where is card {n}?" for n in range(200)]}).save_to_disk(tmp_path / "set")
    whole = packed(tmp_path / "set")
    refused = 0
    for place in range(0, len(whole) - 4, 37):
        try:
            files.read("set.zip", whole[:place] + b"\xff\x00\xff\x00" + whole[place + 4 :])
        except Refusal:
            refused += 1
    assert refused > 10


def test_class_labels_inside_lists_and_of_parquet_files_have_their_names_and_minus_one_is_none():
    label = datasets.ClassLabel(names=["no", "yes"])
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": label, "all": [label], "one": {"of": label}}
    )
    made = datasets.Dataset.from_dict(
        {"text": ["a", "b"], "label": [1, -1], "all": [[0, 1], []], "one": [{"of": 0}, {"of": 1}]}, features=features
    )
    out = io.BytesIO()
    made.to_parquet(out)
    assert files.read("a.parquet", out.getvalue()).rows == [
        {"text": "a", "label": "yes", "all": '["no", "yes"]', "one": '{"of": "no"}'},
        {"text": "b", "label": "", "all": "[]", "one": '{"of": "yes"}'},
    ]


@pytest.mark.parametrize(
    "said", [b"[", b"[]", b'{"info": 1}', b'{"info": {"features": {"n": {"_type": "ClassLabel"}}}}']
)
def test_a_file_that_says_nothing_of_use_about_its_labels_keeps_the_numbers(said):
    table = pa.table({"n": [5, 1]}).replace_schema_metadata({b"huggingface": said})
    assert [row["n"] for row in files.read("a.parquet", parquet_bytes(table)).rows] == ["5", "1"]
