"""Text that any terminal takes."""


def printable(text: str) -> str:
    """Text with bytes of file names that are no UTF-8 spelled out, as `\\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
