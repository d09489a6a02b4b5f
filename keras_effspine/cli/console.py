"""Where the command line writes: results to standard output, errors to standard error."""

from rich.console import Console

OUTPUT = Console()
ERRORS = Console(stderr=True)


def printable(text):
    """Text with bytes of file names that are no UTF-8 spelled out, as `\\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def say(line):
    """Prints one line of text as it is; long lines are left to the terminal to wrap."""
    OUTPUT.print(printable(line), markup=False, highlight=False, soft_wrap=True)
