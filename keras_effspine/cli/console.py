"""Where the command line writes: results to standard output, errors to standard error."""

from typing import Any

from rich.console import Console

from keras_effspine.printable import printable

OUTPUT = Console()
ERRORS = Console(stderr=True)


def say(line: str) -> None:
    """Prints one line of text as it is; long lines are left to the terminal to wrap."""
    OUTPUT.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def show(parts: list[Any]) -> None:
    """Prints lines of text, and what rich can print."""
    for part in parts:
        say(part) if isinstance(part, str) else OUTPUT.print(part)
