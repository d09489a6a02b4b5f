"""`effspine`: the verbs of the command line."""

import os
import sys

import typer

from keras_effspine.cli.console import ERRORS
from keras_effspine.cli.evaluate import evaluate
from keras_effspine.cli.predict import predict
from keras_effspine.cli.presets import presets
from keras_effspine.cli.train import train
from keras_effspine.errors import EffSpineError

app = typer.Typer(
    help="Eff-SpineNet: train, measure and use scale-permuted detectors.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (train, evaluate, predict, presets):
    app.command()(verb)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Print the version.")):
    if version:
        import keras_effspine

        print(keras_effspine.__version__)
        raise typer.Exit


def main():
    """Runs the command line; mistakes of the user end in one line and status 2."""
    # Both must be set before TensorFlow loads, and only a program may set them, not a library.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        app()
    except EffSpineError as error:
        ERRORS.print(f"Error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
