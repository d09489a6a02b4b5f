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
    if b"\0" in content:  # UTF-16 without its mark has one in nearly every second place
        high = content[1::2].count(0) >= content[::2].count(0)
        return _without_nul(content.decode("utf-16-le" if high else "utf-16-be"))
    return content.decode("utf-8")


def _without_nul(text):
    if "\0" in text:
        raise ValueError("holds NUL bytes, which no text has")
    return text
