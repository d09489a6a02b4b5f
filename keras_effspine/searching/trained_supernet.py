"""A supernet that has been trained, opened in the process that measures its slices."""

import datetime
import functools
import pathlib
from typing import Any

from keras_effspine.searching.slice_scores import SliceScores
from keras_effspine.searching.space import SearchSpace
from keras_effspine.searching.supernet import build_supernet, cut_out
from keras_effspine.training.preset_values import resolve_preset
from keras_effspine.training.run_data import load_data
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.run_preset import data_in_words


class TrainedSupernet:
    """Scores the candidates of a space, and cuts them out.

    Args:
        run: `RunFolder` that the supernet was trained in.
        space: `SearchSpace` of the candidates.

    Raises:
        RunFolderError: if there is no such model.
        EffSpineError: if its preset or data cannot be used any more.
    """

    def __init__(self, run: RunFolder, space: SearchSpace) -> None:
        self._space = space
        self._recipe, self._start = resolve_preset(run.recipe)
        self._class_names = run.class_names
        records, measured, _ = load_data(self._recipe, lambda line: None)
        self._model = build_supernet(self._recipe, self._class_names, self._start, space.choices)
        run.load_weights(self._model)
        self._scores = SliceScores(self._model, records, measured, self._recipe)

    @staticmethod
    def open(folder: pathlib.Path, space: SearchSpace) -> "TrainedSupernet":
        """The supernet of a folder; a process that measures many candidates opens it once."""
        return _opened(folder, space)

    def metrics(self, betas: tuple[float, ...], seed: int) -> dict[str, float | None]:
        """The metrics of a candidate, the most telling one first.

        Args:
            betas: the candidate.
            seed: of the pictures that its statistics are taken from.
        """
        return self._scores.result(self._space.widths(betas), seed).metrics

    def cut_out(self, betas: tuple[float, ...], seed: int) -> tuple[Any, dict[str, Any]]:
        """A candidate as a model that stands alone, and how its weights came about.

        Returns:
            Pair of the `TaskModel` and a dictionary for `save_to_preset`.
        """
        result, recipe = self._scores.result(self._space.widths(betas), seed), self._recipe
        thresholds = getattr(result, "score_thresholds", None)
        model = cut_out(self._model, betas, recipe, self._class_names, self._start)
        return model, {
            "task": recipe.task,
            "class_names": list(self._class_names),
            "data": data_in_words(recipe.data),
            "measured_on": "its reserved pictures",
            "measured": {name: x for name, x in result.metrics.items() if x is not None},
            **({"score_thresholds": thresholds} if thresholds else {}),
            "steps": recipe.steps,
            "weights": "a slice of a network that holds all candidates of a search",
            "date": datetime.date.today().isoformat(),
        }


@functools.lru_cache(maxsize=1)
def _opened(folder: pathlib.Path, space: SearchSpace) -> TrainedSupernet:
    return TrainedSupernet(RunFolder.open(folder), space)
