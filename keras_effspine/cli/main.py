"""`effspine`: the verbs of the command line."""

import contextlib
import sys
import warnings
from collections.abc import Iterator

import typer
from typer.exceptions import TyperException

from keras_effspine.cli.app import app as open_app
from keras_effspine.cli.console import ERRORS, say
from keras_effspine.cli.convert import convert
from keras_effspine.cli.data import app as data
from keras_effspine.cli.evaluate import evaluate
from keras_effspine.cli.export import export
from keras_effspine.cli.predict import predict
from keras_effspine.cli.presets import app as presets
from keras_effspine.cli.profile import profile
from keras_effspine.cli.search import search
from keras_effspine.cli.train import train
from keras_effspine.errors import EffSpineError, StoppedError
from keras_effspine.printable import printable

app = typer.Typer(
    help="Eff-SpineNet: train, measure and use scale-permuted detectors.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # paragraphs of the help are wrapped as such
    pretty_exceptions_enable=False,
)
for verb in (train, evaluate, predict, export, profile, search, convert):
    app.command()(verb)
app.command("app")(open_app)
app.add_typer(data, name="data")
app.add_typer(presets, name="presets")


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Print the version.")):
    if version:
        import keras_effspine

        print(keras_effspine.__version__)
        raise typer.Exit


_INTERRUPTED = 130
"""The exit status that shells expect of a program that Ctrl-C ended."""


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Of a warning the user needs the text, and not the line of the source that it comes from."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"{message}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before


@_plain_warnings()
def main() -> None:
    """Runs the command line; mistakes of the user end in one line and status 2."""
    try:
        sys.exit(app(standalone_mode=False))
    except TyperException as error:
        message = error.format_message()
        if message:  # empty where no verb was given: the help was printed then
            stop = "" if message[-1] in ".?!" else "."
            _print_error(f"{message}{stop} See {_command(error)} --help.")
        sys.exit(error.exit_code)
    except StoppedError as error:
        say(str(error))
        sys.exit(_INTERRUPTED)
    except EffSpineError as error:
        _print_error(error)
        sys.exit(2)
    except KeyboardInterrupt:
        say("Stopped.")
        sys.exit(_INTERRUPTED)


def _command(error):
    """The verb in which a mistake was made, as it is called."""
    context, verbs = getattr(error, "ctx", None), []
    while context is not None and context.parent is not None:
        verbs.insert(0, context.info_name)
        context = context.parent
    return " ".join(["effspine", *verbs])


def _print_error(message):
    line = " ".join(f"Error: {message}".splitlines())
    ERRORS.print(printable(line), style="red", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
