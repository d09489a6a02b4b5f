"""Where the command line writes: results to standard output, errors to standard error."""

from typing import Any

from rich.console import Console

from keras_effspine.rich_parts import print_parts

OUTPUT = Console()
ERRORS = Console(stderr=True)


def say(line: str) -> None:
    """Prints one line of text as it is; long lines are left to the terminal to wrap."""
    show([line])


def show(parts: list[Any]) -> None:
    """Prints lines of text, and what rich can print."""
    print_parts(OUTPUT, parts)
