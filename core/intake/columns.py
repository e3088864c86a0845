"""Which column of a file holds which part of a sample."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Refusal
from core.locale.mark import N_

FIELD = "field: "
"""How the name of a column begins that is to be kept for prompts, in files and in exports."""

PARTS = ("input", "reference", "context", "key", "group", "split", "tags", "kind", "pair", "critical")
"""Of a sample, each in at most one column."""

SOURCES = ("source", "sourcedocument", "来源", "出处", "来源文档")
"""Further columns that name where a right answer stands: a document, or `document | words that its passage has`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """The name of the column that holds each part of a sample; None where the file has no such column.

    `fields` are further columns to keep, which prompts may name.
    """

    input: str
    reference: str | None
    context: str | None = None
    key: str | None = None
    group: str | None = None
    split: str | None = None
    tags: str | None = None
    kind: str | None = None
    pair: str | None = None
    critical: str | None = None
    fields: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is used."""
        single = (getattr(self, part) for part in PARTS)
        return (*(column for column in single if column is not None), *self.fields)


_USUAL_NAMES = {
    "input": "input question query text message prompt utterance instruction request content ticket sentence "
    "输入 问题 提问 用户问题 客户问题 用户输入 文本 消息 留言 内容 题目 句子",
    "reference": "reference expected expectedoutput expectedanswer referenceanswer goldanswer groundtruth gold answer "
    "output response completion target label category intent class "
    "参考答案 标准答案 期望输出 预期输出 参考 答案 回答 输出 标签 意图 类别 分类",
    "context": "context passage background 上下文 背景 材料",
    "key": "key id sampleid 编号 序号 样本编号",
    "group": "group groupid 组 分组 组别",
    "split": "split 划分",
    "tags": "tags tag 标记",
    "kind": "kind 种类",
    "pair": "pair pairid 配对",
    "critical": "critical 关键 是否关键",
}


def guess(columns: Sequence[str]) -> Mapping | None:
    """The mapping that the usual English and Chinese names suggest, or None when no column looks like the input."""
    by_name = {_plain(column): column for column in reversed(columns)}
    found = {
        part: next((by_name[name] for name in names.split() if name in by_name), None)
        for part, names in _USUAL_NAMES.items()
    }
    chosen = found.pop("input")
    taken = {chosen, *found.values()}
    fields = tuple(
        column for column in columns if column.startswith(FIELD) or (is_source(column) and column not in taken)
    )
    return Mapping(input=chosen, **found, fields=fields) if chosen else None


def is_source(column: str) -> bool:
    """Whether a further column of that name tells the source of a sample."""
    return _plain(column) in SOURCES


def fit(columns: Sequence[str], mapping: Mapping) -> None:
    """Raises Refusal when the mapping names a column that is not there, or one column as question and answer."""
    for column in mapping.columns:
        if column not in columns:
            raise Refusal(
                N_("The file has no column “%(column)s”; its columns are %(columns)s. Choose one of these."),
                column=column,
                columns=", ".join(f"“{name}”" for name in columns),
            )
    if mapping.input == mapping.reference:
        raise Refusal(
            N_("The column “%(column)s” is chosen both as input and as reference. Choose another one for one of them."),
            column=mapping.input,
        )


def _plain(column: str) -> str:
    return re.sub(r"[\s_-]", "", unicodedata.normalize("NFKC", column).casefold())
