"""Where the command line writes: results to standard output, errors to standard error."""

from rich.console import Console

OUTPUT = Console()
ERRORS = Console(stderr=True)


def say(line):
    """Prints one line of text as it is; long lines are left to the terminal to wrap."""
    OUTPUT.print(line, markup=False, highlight=False, soft_wrap=True)
