"""What was received and what is wrong with it, in messages that stay short."""

import json
import pathlib
import re
import reprlib
from typing import TypeVar

import pydantic

from keras_effspine.errors import EffSpineError

_Model = TypeVar("_Model", bound=pydantic.BaseModel)

VALUE = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)
"""Of classes of values that do not change. What checks them is made when it is first needed, and
not on import."""

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


def reason(error: Exception) -> str:
    """What a foreign error says, in one short line; TensorFlow says much around it."""
    text = re.sub(r"\{\{[^}]*\}\} ?", "", str(error)).strip().partition("\n")[0]
    return cut(text or type(error).__name__, 200)


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


def read_json_as(kind: type[_Model], file: pathlib.Path, error: type[EffSpineError]) -> _Model:
    """What a JSON file says, held against a schema.

    Args:
        kind: class of the schema.
        file: path of the file.
        error: class of the error to raise.

    Raises:
        EffSpineError: of the class `error`, if the file is unreadable, no JSON, or does not fit.
    """
    try:
        return kind.model_validate(read_json(file, error))
    except pydantic.ValidationError as found:
        raise error(f"{file}: was not written by a run, or changed: {in_words(found)}.") from found


def read_json(file: pathlib.Path, error: type[EffSpineError]) -> object:
    """Content of a JSON file.

    Raises:
        EffSpineError: of the class `error`, if the file cannot be read, or is no JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as found:
        raise error(f"{file}: cannot be read ({found.strerror or found}).") from found
    except (ValueError, RecursionError) as found:
        raise error(f"{file}: not valid JSON ({cut(str(found), 200)}).") from found
