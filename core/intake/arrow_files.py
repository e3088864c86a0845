"""Parquet files and Hugging Face dataset folders, read in batches. Nothing in them is ever run."""

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa
from pyarrow import ipc, parquet

from core.errors import Refusal
from core.intake import json_files, tables
from core.intake.json_files import Object
from core.intake.tables import Table
from core.locale.mark import N_

Folder = Path | zipfile.Path

MOST_UNPACKED = 1_000_000_000
"""Bytes of a file's columns, or of an archive's parts, once unpacked."""
BATCH_BYTES = 200_000_000
"""About as much as one batch may take in memory; a Parquet file may say one long text in every row and stay small."""
MOST_PARTS = 5_000

SPLIT_WORDS = {"validation": "dev", "valid": "dev", "val": "dev", "dev": "dev", "train": "train", "test": "gate"}
"""What the splits of public datasets are for here; a split of another name has its rows drawn."""


def read_parquet(content: bytes) -> Table:
    """The table in a Parquet file. Raises Refusal for a damaged one and for one that unpacks to too much."""
    try:
        file = parquet.ParquetFile(io.BytesIO(content))
        about = file.metadata
        groups = [about.row_group(number) for number in range(about.num_row_groups)]
        chunks = [group.column(place).total_uncompressed_size for group in groups for place in range(group.num_columns)]
        if about.num_rows > tables.MOST_ROWS:
            raise tables.too_many_rows()
        if sum(chunks) > MOST_UNPACKED:
            raise _too_large(sum(chunks))
        columns, unread = _readable(file.schema_arrow)
        size = max(1, min(4096, BATCH_BYTES // max([1, *chunks])))
        batches = file.iter_batches(batch_size=size, columns=columns, use_threads=False)
        labels = _labels(_embedded(file.schema_arrow))
        return json_files.assemble(_objects((batch, "", labels) for batch in batches), "Parquet", unread)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged("Parquet", error) from error


def read_archive(content: bytes) -> Table:
    """The table of a dataset folder that somebody packed into a ZIP archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or (unpacked := sum(part.file_size for part in parts)) > MOST_UNPACKED:
                raise _too_large(MOST_UNPACKED if len(parts) > MOST_PARTS else unpacked)
            heads = [name for name in archive.namelist() if PurePath(name).name in ("dataset_dict.json", "state.json")]
            if not heads:
                raise _no_dataset()
            top = min(heads, key=lambda name: (len(PurePath(name).parts), name)).rpartition("/")[0]
            return _read(zipfile.Path(archive, f"{top}/" if top else ""))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # RuntimeError: locked by a password
        raise _damaged("ZIP", error) from error


def read_folder(path: str) -> Table:
    """The table of a dataset folder on this machine, as `Dataset.save_to_disk` of the library `datasets` writes it."""
    folder = Path(path).expanduser()
    if not folder.is_absolute() or not folder.is_dir():
        raise Refusal(
            N_("There is no folder %(path)s on this server. Give its full path, which begins with “/”."), path=path
        )
    return _read(folder)


def _read(folder: Folder) -> Table:
    try:
        if (folder / "dataset_dict.json").is_file():
            names = [_plain(name) for name in _json(folder / "dataset_dict.json")["splits"]]
            splits = [(SPLIT_WORDS.get(name.casefold(), "") if len(names) > 1 else "", folder / name) for name in names]
        elif (folder / "state.json").is_file():
            splits = [("", folder)]
        else:
            raise _no_dataset()
        shards = [
            (split, part, _plain(one["filename"]))
            for split, part in splits
            for one in _json(part / "state.json")["_data_files"]
        ]
        with (shards[0][1] / shards[0][2]).open("rb") as first:
            columns, unread = _readable(ipc.open_stream(first).schema)
        return json_files.assemble(_objects(_batches(shards, columns)), "Arrow", unread)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise _damaged("Hugging Face", error) from error


Batch = tuple[pa.RecordBatch, str, Mapping[str, Any]]
"""Rows, the split they are for, and the features of those columns that hold class labels."""


def _batches(shards: list[tuple[str, Folder, str]], columns: list[str]) -> Iterator[Batch]:
    for split, part, shard in shards:
        about = _json(part / "dataset_info.json") if (part / "dataset_info.json").is_file() else {}
        with (part / shard).open("rb") as file:
            stream = ipc.open_stream(file)
            labels = _labels(_embedded(stream.schema), about)
            for batch in stream:
                batch.validate(full=True)
                for start in range(0, batch.num_rows, 1000):
                    yield batch.select(columns).slice(start, 1000), split, labels


def _objects(batches: Iterator[Batch]) -> Iterator[Object]:
    line = 0
    for batch, split, labels in batches:
        names = batch.schema.names
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            line += 1
            row = {name: None if value != value else value for name, value in zip(names, values, strict=True)}
            row |= {name: _words(row[name], feature) for name, feature in labels.items() if name in row}
            if split:
                row.setdefault("split", split)
            yield line, row, ""


def _embedded(schema: pa.Schema) -> Mapping[str, Any]:
    """What the library `datasets` wrote about the columns into the table itself."""
    try:
        found = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        return dict(found["info"])
    except (ValueError, KeyError, TypeError, RecursionError):  # by another program, which may write what it likes
        return {}


def _labels(*infos: Mapping[str, Any]) -> dict[str, Any]:
    """The features of columns that hold class labels; of several descriptions the last one counts."""
    known: dict[str, Any] = {}
    for info in infos:
        features = info.get("features")
        known |= features if isinstance(features, dict) else {}
    return {name: feature for name, feature in known.items() if '"ClassLabel"' in json.dumps(feature)}


def _words(value: Any, feature: Any) -> Any:
    """The value with the names of its class labels, which datasets keep as numbers; -1 stands for no label.

    A number without a name stays a number.
    """
    if isinstance(value, list):
        inner = feature[0] if isinstance(feature, list) and feature else feature
        inner = inner.get("feature", inner) if isinstance(inner, dict) else inner
        return [_words(one, inner) for one in value]
    if not isinstance(feature, dict):
        return value
    if isinstance(value, dict):
        inner = feature.get("feature", feature)
        return {
            name: _words(part, inner.get(name) if isinstance(inner, dict) else None) for name, part in value.items()
        }
    names = feature.get("names")
    if feature.get("_type") != "ClassLabel" or not isinstance(names, list) or type(value) is not int:
        return value
    return None if value == -1 else str(names[value]) if 0 <= value < len(names) else value


def _readable(schema: pa.Schema) -> tuple[list[str], tuple[str, ...]]:
    """The columns that text can show, and those that hold bytes."""
    unread = tuple(field.name for field in schema if "binary" in str(field.type))
    columns = [name for name in schema.names if name not in unread]
    if not columns:
        raise Refusal(N_("The file has no column with text or numbers. Choose a file that has one."))
    return columns, unread


def _json(path: Folder) -> dict[str, Any]:
    with path.open("rb") as file:
        found = json.loads(file.read(10_000_000))
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found


def _plain(name: str) -> str:
    """A file's own name, which leads nowhere else."""
    if not isinstance(name, str) or PurePath(name).name != name or name in ("", ".", ".."):
        raise ValueError("not a plain name")
    return name


def _no_dataset() -> Refusal:
    return Refusal(
        N_(
            "This is no dataset folder: it has neither dataset_dict.json nor state.json, which Dataset.save_to_disk "
            "writes. Save the dataset with that, or choose a CSV, XLSX, JSONL or Parquet file."
        )
    )


def _too_large(size: int) -> Refusal:
    return Refusal(
        N_("The file unpacks to %(size)s MB or more; at most %(limit)s MB can be read. Split it into smaller files."),
        size=f"{size / 1e6:,.0f}",
        limit=f"{MOST_UNPACKED / 1e6:,.0f}",
    )


def _damaged(kind: str, error: Exception) -> Refusal:
    return Refusal(
        N_("This is not a %(kind)s file or folder, or a damaged one (%(error)s). Write it again and import that."),
        kind=kind,
        error=type(error).__name__,
    )
