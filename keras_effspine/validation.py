"""What was received and what is wrong with it, in messages that stay short."""

import reprlib

import pydantic

_MOST_FINDINGS = 5

_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxother, _REPR.maxlong = 3, 200, 200, 60


def shown(value: object, most: int = 80) -> str:
    """A value in a message: its `repr`, cut short where it is long or deep.

    Args:
        value: anything.
        most: number of characters to show of it.
    """
    return cut(_REPR.repr(value), most)


def cut(text: str, most: int = 80) -> str:
    """A text whose end is left out where it has more than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def in_words(error: pydantic.ValidationError) -> str:
    """One line for pydantic's first findings, each with its place and what was received."""
    findings = []
    for found in error.errors()[:_MOST_FINDINGS]:
        where = cut(".".join(str(part) for part in found["loc"]))
        kept_back = isinstance(found["input"], dict) or found["type"] == "missing"
        received = "" if kept_back else f" (received: {shown(found['input'])})"
        message = cut(found["msg"].removeprefix("Value error, "), 200)
        findings.append(f"{where}: {message}{received}" if where else f"{message}{received}")
    if error.error_count() > _MOST_FINDINGS:
        findings.append(f"and {error.error_count() - _MOST_FINDINGS} more")
    return "; ".join(findings)
