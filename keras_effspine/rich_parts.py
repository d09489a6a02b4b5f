"""Tables and lines of text that a terminal and a notebook both show."""

import abc
import io
from typing import Any

from keras_effspine.printable import printable

_WIDTH = 100


class RichParts(abc.ABC):
    """An object that is shown as what rich can print: text in a terminal, HTML in a notebook."""

    @abc.abstractmethod
    def parts(self) -> list[Any]:
        """Lines of text, and what rich can print, in order."""

    def __repr__(self) -> str:
        return _printed(self.parts()).file.getvalue().rstrip("\n")

    def _repr_html_(self) -> str:
        # A page of its own stylesheet must not break the lines, nor shrink the letters, of a table.
        style = "white-space: pre; line-height: normal; font-family: monospace"
        code = f'<pre style="{style}">{{code}}</pre>'
        return _printed(self.parts()).export_html(inline_styles=True, code_format=code)


def print_parts(console: Any, parts: list[Any]) -> None:
    """Prints lines of text as they are, long ones not wrapped, and what rich can print."""
    for part in parts:
        if isinstance(part, str):
            console.print(printable(part), markup=False, highlight=False, soft_wrap=True)
        else:
            console.print(part)


def _printed(parts: list[Any]) -> Any:
    from rich.console import Console

    console = Console(
        file=io.StringIO(), record=True, width=_WIDTH, force_jupyter=False, force_terminal=False
    )
    print_parts(console, parts)
    return console
