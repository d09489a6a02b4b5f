"""What a verb's argument predicts with."""

from typing import TYPE_CHECKING

from keras_effspine.cli.console import say
from keras_effspine.cli.quiet_start import load_tensorflow, without_logs

if TYPE_CHECKING:
    from keras_effspine.workflow.predictor import Predictor


def find_predictor(name: str, last: bool = False) -> "Predictor":
    """Finds a run, a preset or an exported file, and says which; see `load_predictor`."""
    from keras_effspine.runners.model_file import is_model_file

    if not is_model_file(name):
        load_tensorflow()
    from keras_effspine.workflow.load_predictor import load_predictor

    with without_logs():  # of the runtimes
        predictor = load_predictor(name, last)
    say(f"Model: {predictor.name}.")
    return predictor
