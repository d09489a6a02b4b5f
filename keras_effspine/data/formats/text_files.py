"""Text as it comes: `read_text`."""

import codecs
import pathlib

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: pathlib.Path) -> str:
    """Reads a text file in UTF-8, or in UTF-16, which Notepad and PowerShell write.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is in neither encoding, or holds bytes that no text has.
    """
    content = path.read_bytes()
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding)
    # UTF-16 without its mark has a zero in nearly every second place; a stray one is no such text.
    second, first = content[1::2].count(0), content[::2].count(0)
    if 4 * max(first, second) > len(content):
        return _without_nul(content.decode("utf-16-le" if second >= first else "utf-16-be"))
    return _without_nul(content.decode("utf-8"))


def _without_nul(text):
    if "\0" in text:
        raise ValueError("holds NUL bytes, which no text has")
    return text
