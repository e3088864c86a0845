"""From bytes to text: which encoding a text file is in, by fixed rules, so that one file always reads the same.

Statistical guessers were weighed and left out: on a few short rows they take Western text for Chinese and change their
mind from release to release. Where these rules cannot be sure, they refuse and ask for UTF-8.
"""

import codecs

from core.errors import Refusal
from core.locale.mark import N_

_BOMS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8 (BOM)"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 LE"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 BE"),
)


def decode(content: bytes) -> tuple[str, str]:
    """The text, without its byte order mark, and the name of its encoding.

    UTF-8, UTF-16 and GB18030 are known. Lone surrogates of UTF-16 stay in the text, for the caller to find the cell.
    Refuses bytes that none of these explains, naming the first bad byte, and text with NUL characters.
    """
    text, encoding = _decode(content)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Refusal(
            N_(
                "Line %(line)s holds a NUL character, which no text has: this is another kind of file, or its encoding "
                "is not known here. Save it as text in UTF-8 and import it again."
            ),
            line=line,
        )
    return text, encoding


def _decode(content: bytes) -> tuple[str, str]:
    for mark, codec, encoding in _BOMS:
        if content.startswith(mark):
            try:
                return content[len(mark) :].decode(codec, "strict" if codec == "utf-8" else "surrogatepass"), encoding
            except UnicodeDecodeError as error:
                raise _undecodable(content, len(mark) + error.start, codec, encoding) from None
    for codec, encoding in (("utf-16-le", "UTF-16 LE"), ("utf-16-be", "UTF-16 BE")):
        if (text := _plain_utf_16(content, codec)) is not None:
            return text, encoding
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        if _damaged_utf_8(content):
            raise _undecodable(content, error.start, "utf-8", "UTF-8") from None
        bad = error.start
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError as error:
        bad = max(bad, error.start)
    else:
        if _plain_chinese(text):
            return text, "GB18030"
    raise _undecodable(content, bad, "gb18030", "UTF-8, UTF-16, GB18030")


def _plain_utf_16(content: bytes, codec: str) -> str | None:
    """UTF-16 without a mark shows itself by NUL bytes, and by a line end and a comma or tab in every row."""
    if b"\0" not in content or len(content) % 2:
        return None
    try:
        text = content.decode(codec)
    except UnicodeDecodeError:
        return None
    lines = max(text.count("\n"), text.count("\r"))
    return text if "\0" not in text and lines and _ascii_count(text) >= 2 * lines else None


def _damaged_utf_8(content: bytes) -> bool:
    """Whether more characters beyond ASCII are good UTF-8 than bad: Chinese in GB18030 gives about one in five."""
    text = content.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    return len(text) - _ascii_count(text) - bad > bad


def _plain_chinese(text: str) -> bool:
    """Whether the characters beyond ASCII are those of Chinese: GB18030 gives a reading to nearly any bytes.

    Of simplified Chinese nearly all are everyday ones, in GB 2312; of traditional Chinese a half to two thirds, and of
    Big5 read by mistake a half; of Western accents and Shift JIS none. Japanese and Korean EUC cannot be told from it.
    """
    ascii_count = _ascii_count(text)
    everyday = (len(text.encode("gb2312", "ignore")) - ascii_count) / 2 / max(len(text) - ascii_count, 1)
    return everyday >= 0.9 or (everyday >= 0.4 and not _is_big5(text.encode("gb18030")))


def _is_big5(content: bytes) -> bool:
    try:
        content.decode("big5hkscs")
    except UnicodeDecodeError:
        return False
    return True


def _ascii_count(text: str) -> int:
    return len(text.encode("ascii", "ignore"))


def _undecodable(content: bytes, position: int, codec: str, encoding: str) -> Refusal:
    return Refusal(
        N_(
            "This text is not valid %(encoding)s: byte %(position)s, in line %(line)s, is 0x%(byte)s. Save the file as "
            "UTF-8 (in Excel: Save As, CSV UTF-8) and import it again."
        ),
        encoding=encoding,
        position=position + 1,
        line=content[:position].decode(codec, "replace").count("\n") + 1,
        byte=f"{content[position]:02X}",
    )
